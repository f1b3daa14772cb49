//! A row a fault, a column a server.

use crate::fault::Fault;
use crate::server::Candidate;
use crate::verdict::Verdict;

const NAME_WIDTH: usize = 50;
const VERDICT_WIDTH: usize = 44;

pub struct Table<'a> {
    servers: &'a [Candidate],
    is_markdown: bool,
}

impl Table<'_> {
    pub fn new(servers: &[Candidate], is_markdown: bool) -> Table<'_> {
        Table { servers, is_markdown }
    }

    pub fn print_head(&self) {
        let names: Vec<_> = self.servers.iter().map(|server| server.name.clone()).collect();
        self.print("fault", "promises", &names);
        if self.is_markdown {
            println!("|---|---|{}", "---|".repeat(names.len()));
        }
    }

    pub fn print_row(&self, fault: &Fault, verdicts: &[Verdict]) {
        let promises: Vec<_> = fault.promises.iter().map(u32::to_string).collect();
        let verdicts: Vec<_> = verdicts.iter().map(Verdict::to_string).collect();
        self.print(fault.name, &promises.join(", "), &verdicts);
    }

    fn print(&self, name: &str, promises: &str, cells: &[String]) {
        if self.is_markdown {
            // A bar in a cell is escaped.
            let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            println!("| {name} | {promises} | {} |", cells.join(" | "));
            return;
        }
        let cells: Vec<_> = cells.iter().map(|cell| format!("{cell:VERDICT_WIDTH$}")).collect();
        println!("{}", format!("{name:NAME_WIDTH$} {promises:9} {}", cells.join("  ")).trim_end());
    }
}
