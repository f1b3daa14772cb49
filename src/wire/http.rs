//! Requests of HTTP/1 (RFC 9112), as far as a chat room needs them: one request a
//! connection, and nothing that two programs could understand in two ways.
//!
//! What is accepted is less than the RFC allows a server to accept: a line of the
//! head ends with CR LF, a header stands on one line, and the length of a body is
//! said once. So no proxy in front can be made to see another request than we do.

use std::borrow::Cow;

use data_encoding::BASE64;
use form_urlencoded::parse;
use percent_encoding::percent_decode_str;

/// The longest head of a request, in bytes.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Header lines in one head at most.
const HEADERS_MAX: usize = 100;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// To be sent something.
    Get,
    /// The same without what it is about.
    Head,
    /// To say something.
    Post,
    /// The same, as `curl -T` does.
    Put,
}

/// A request, its body apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// The path without its first slash, decoded: the name of a room, or nothing.
    pub path: String,
    /// What stands behind `?`, decoded, in its order.
    pub query: Vec<(String, String)>,
    /// How the client calls this server, in lower case and without the port; `None`
    /// if it doesn't say (HTTP/1.0).
    pub host: Option<String>,
    /// The same with the port, as it stands in an `Origin`.
    pub authority: Option<String>,
    /// `Origin`: the page that makes a browser send this.
    pub origin: Option<String>,
    /// `Sec-Fetch-Site`: where that page comes from, as the browser sees it.
    pub fetch_site: Option<String>,
    /// `Accept`, in lower case.
    pub accept: String,
    /// The client takes what is compressed with gzip (RFC 9110, section 12.5.3).
    pub accepts_gzip: bool,
    /// It is a browser, as far as `User-Agent` says.
    pub is_browser: bool,
    /// The user and the password of `Authorization: Basic` (RFC 7617).
    pub credentials: Option<(String, String)>,
    /// `Last-Event-ID`: what a stream of events goes on after.
    pub last_event_id: Option<String>,
    /// The client waits for a word before it sends the body (RFC 9110, section
    /// 10.1.1).
    pub expects_continue: bool,
    /// How long the body is.
    pub body: Length,
    /// The body is a form in several parts (RFC 7578).
    pub is_multipart: bool,
    /// The client asks for a WebSocket.
    pub upgrade: Option<Upgrade>,
}

/// How long a body is (RFC 9112, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Bytes(u64),
    /// It comes in chunks, the last of which is empty.
    Chunked,
}

/// What asks for a WebSocket (RFC 6455, section 4.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// `Sec-WebSocket-Key`: 16 bytes in Base64.
    pub key: String,
}

/// Why a request isn't answered as the client wants it: a status and what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRequest {
    /// It isn't a request, or one that could mean two things.
    Malformed(&'static str),
    /// There is no such method.
    Method,
    /// The path is no name of a room.
    Path,
    /// The head is too long.
    TooLong,
    /// The body comes in a way that we don't know.
    Coding,
    /// It is of another version than HTTP/1.
    Version,
    /// The WebSocket is of another version than 13.
    SocketVersion,
}

impl BadRequest {
    /// The status of the answer, and one sentence.
    pub fn answer(self) -> (&'static str, &'static str) {
        match self {
            BadRequest::Malformed(what) => ("400 Bad Request", what),
            BadRequest::Method => ("405 Method Not Allowed", "use GET, HEAD, POST or PUT"),
            BadRequest::Path => {
                ("404 Not Found", "the path must be / or the name of a room, such as /lobby")
            }
            BadRequest::TooLong => (
                "431 Request Header Fields Too Large",
                "the head of a request is limited to 16 KiB and 100 lines",
            ),
            BadRequest::Coding => {
                ("501 Not Implemented", "the body must not be encoded, except as chunked")
            }
            BadRequest::Version => ("505 HTTP Version Not Supported", "use HTTP/1.1"),
            BadRequest::SocketVersion => ("426 Upgrade Required", "use version 13 of WebSocket"),
        }
    }
}

const BARE_LF: BadRequest = BadRequest::Malformed("lines of the head must end with CR LF");
const NO_HEAD: BadRequest = BadRequest::Malformed("this is not a valid HTTP request");
const HOST: BadRequest = BadRequest::Malformed("a request must have exactly one Host header");
const LENGTH: BadRequest =
    BadRequest::Malformed("the body must have one length: one Content-Length, or chunked");
const KEY: BadRequest =
    BadRequest::Malformed("a WebSocket needs exactly one Sec-WebSocket-Key of 16 bytes");
const TARGET: BadRequest = BadRequest::Malformed("the target must be a path, such as /lobby");

impl Request {
    /// Reads the head of a request at the beginning of `bytes`; gives it with its length,
    /// and `None` if more has to come.
    ///
    /// # Errors
    /// What is wrong, as soon as that can be seen.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, BadRequest> {
        match bare_lf(bytes) {
            // What is wrong before it is seen first, however the head is cut.
            Some(at) => Request::parse_lines(&bytes[..at]).and(Err(BARE_LF)),
            None => Request::parse_lines(bytes),
        }
    }

    /// The same of lines that end with CR LF.
    fn parse_lines(bytes: &[u8]) -> Result<Option<(Request, usize)>, BadRequest> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Request::new(&mut headers);
        let length = match head.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() >= HEAD_BYTES_MAX => {
                return Err(BadRequest::TooLong);
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(BadRequest::TooLong),
            Err(httparse::Error::Version) => return Err(BadRequest::Version),
            Err(_) => return Err(NO_HEAD),
        };
        if length > HEAD_BYTES_MAX {
            return Err(BadRequest::TooLong);
        }
        Request::of_head(&head).map(|request| Some((request, length)))
    }

    fn of_head(head: &httparse::Request<'_, '_>) -> Result<Request, BadRequest> {
        let fields = Fields(head.headers);
        let is_old = head.version == Some(0);
        let target = head.path.unwrap_or_default();
        let (target_authority, target) = split_target(target)?;
        let said = fields.one("host").map_err(|Twice| HOST)?;
        if said.is_none() && !is_old {
            return Err(HOST);
        }
        // What the target says goes before the header (RFC 9112, section 3.2.2).
        let authority = target_authority.or(said).filter(|host| !host.is_empty());
        let authority = authority.map(str::to_ascii_lowercase);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let method = method(head.method.unwrap_or_default())?;
        Ok(Request {
            method,
            path: percent_decode_str(path).decode_utf8().map_err(|_| BadRequest::Path)?.into(),
            query: parse(query.as_bytes()).into_owned().collect(),
            host: authority.as_deref().map(|host| without_port(host).to_owned()),
            authority,
            origin: fields.text("origin").map(|origin| origin.to_ascii_lowercase()),
            fetch_site: fields.text("sec-fetch-site").map(Cow::into_owned),
            accept: fields.all("accept").to_ascii_lowercase(),
            accepts_gzip: fields.accepts("gzip"),
            // As all of them have said since the first one of that name.
            is_browser: fields.all("user-agent").contains("Mozilla/"),
            credentials: fields.text("authorization").and_then(|text| credentials(&text)),
            last_event_id: fields.text("last-event-id").map(Cow::into_owned),
            expects_continue: !is_old && fields.all("expect").eq_ignore_ascii_case("100-continue"),
            body: fields.body(is_old)?,
            // RFC 9110, section 7.8.
            upgrade: if is_old { None } else { fields.upgrade(method)? },
            is_multipart: fields.all("content-type").to_ascii_lowercase().starts_with("multipart/"),
        })
    }

    /// The first value of this name in the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// The address at which what is asked for can be had with TLS, if `first`, which is the
/// begin of a request, only reads.
pub fn secured_url(first: &[u8]) -> Option<String> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(first).ok()?;
    let (method, path) = (request.method?, request.path?);
    let host = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("host"))?;
    let host = str::from_utf8(host.value).ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let is_ours = matches!(method, "GET" | "HEAD") && path.starts_with('/');
    (is_ours && host.chars().all(is_plain)).then(|| format!("https://{host}{path}"))
}

/// The header lines of a head.
struct Fields<'a>(&'a [httparse::Header<'a>]);

/// A header stands there twice that may do so once.
struct Twice;

impl<'a> Fields<'a> {
    fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.0.iter();
        fields.filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// The value of a header that stands there once, if at all. What isn't text is
    /// empty.
    fn one(&self, name: &str) -> Result<Option<&'a str>, Twice> {
        let mut values = self.values(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Twice);
        }
        Ok(first.map(|value| str::from_utf8(value).unwrap_or_default().trim()))
    }

    /// The first value of a header.
    fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.values(name).next().map(String::from_utf8_lossy)
    }

    /// All values of a header that is a list.
    fn all(&self, name: &str) -> String {
        self.values(name).map(String::from_utf8_lossy).collect::<Vec<_>>().join(", ")
    }

    fn has(&self, name: &str, word: &str) -> bool {
        self.all(name).split(',').any(|other| other.trim().eq_ignore_ascii_case(word))
    }

    /// Whether the client takes this coding. Without a weight, or with any but 0.
    fn accepts(&self, coding: &str) -> bool {
        self.all("accept-encoding").split(',').any(|one| {
            let mut parts = one.split(';').map(str::trim);
            let is_it = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            is_it && weight != Some(0.0)
        })
    }

    /// How long the body is. A request without a word about that has none (RFC 9112,
    /// section 6.3).
    fn body(&self, is_old: bool) -> Result<Length, BadRequest> {
        let length = self.one("content-length").map_err(|Twice| LENGTH)?;
        let coding = self.one("transfer-encoding").map_err(|Twice| LENGTH)?;
        match (length, coding) {
            (None, None) => Ok(Length::Bytes(0)),
            (Some(length), None) => {
                let is_number = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
                let length = is_number.then(|| length.parse().ok()).flatten();
                length.map(Length::Bytes).ok_or(LENGTH)
            }
            (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") && !is_old => {
                Ok(Length::Chunked)
            }
            (None, Some(_)) => Err(BadRequest::Coding),
            (Some(_), Some(_)) => Err(LENGTH),
        }
    }

    fn upgrade(&self, method: Method) -> Result<Option<Upgrade>, BadRequest> {
        let is_asked = self.has("connection", "upgrade") && self.has("upgrade", "websocket");
        if !is_asked || method != Method::Get {
            return Ok(None);
        }
        let version = self.one("sec-websocket-version").map_err(|Twice| KEY)?;
        if version != Some("13") {
            return Err(BadRequest::SocketVersion);
        }
        let key = self.one("sec-websocket-key").map_err(|Twice| KEY)?.unwrap_or_default();
        let is_key = BASE64.decode(key.as_bytes()).is_ok_and(|key| key.len() == 16);
        if is_key { Ok(Some(Upgrade { key: key.to_owned() })) } else { Err(KEY) }
    }
}

/// Where a line of the head ends with LF alone. Many programs take that, and others take
/// it for a part of the line.
fn bare_lf(bytes: &[u8]) -> Option<usize> {
    // Empty lines before a request are passed over (RFC 9112, section 2.2).
    let start = 2 * bytes.chunks(2).take_while(|pair| pair == b"\r\n").count();
    let end = bytes[start..].windows(4).position(|end| end == b"\r\n\r\n");
    let end = end.map_or(bytes.len(), |at| start + at + 4);
    let is_bare = |&at: &usize| bytes[at] == b'\n' && (at == 0 || bytes[at - 1] != b'\r');
    (0..end).find(is_bare)
}

fn method(word: &str) -> Result<Method, BadRequest> {
    match word {
        "GET" => Ok(Method::Get),
        "HEAD" => Ok(Method::Head),
        "POST" => Ok(Method::Post),
        "PUT" => Ok(Method::Put),
        _ => Err(BadRequest::Method),
    }
}

/// The host that a target names, if it does, and the target without its first slash.
fn split_target(target: &str) -> Result<(Option<&str>, &str), BadRequest> {
    if let Some(path) = target.strip_prefix('/') {
        return Ok((None, path));
    }
    let scheme = ["http://", "https://"].into_iter();
    let rest = scheme.filter_map(|scheme| target.strip_prefix(scheme)).next().ok_or(TARGET)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((Some(authority), path))
}

/// A host without the port behind it. An address of IPv6 stands in brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// What stands behind `Basic`. A user may be empty, and a password have colons.
fn credentials(text: &str) -> Option<(String, String)> {
    let (scheme, rest) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = BASE64.decode(rest.trim().as_bytes()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(head: &str) -> Result<Request, BadRequest> {
        let (request, length) = Request::parse(head.as_bytes())?.expect("a whole head");
        assert_eq!(length, head.len());
        Ok(request)
    }

    fn get(target: &str, lines: &str) -> Result<Request, BadRequest> {
        parsed(&format!("GET {target} HTTP/1.1\r\nHost: room.local:8008\r\n{lines}\r\n"))
    }

    #[test]
    fn a_request_is_what_its_head_says() {
        let head = "PUT /caf%C3%A9?nick=ci+bot&since=12%40k3f9 HTTP/1.1\r\nHost: Room.Local:8008\r\n\
                    Accept: text/plain\r\naccept: Text/HTML;q=0.5\r\nOrigin: http://Evil.example\r\n\
                    Authorization: Basic YW5uOmE6Yg==\r\nExpect: 100-Continue\r\n\
                    Transfer-Encoding: Chunked\r\n\r\n";
        let request = parsed(head).expect("a request");
        assert_eq!(request.method, Method::Put);
        assert_eq!(request.path, "café");
        assert_eq!(request.parameter("nick"), Some("ci bot"));
        assert_eq!(request.parameter("since"), Some("12@k3f9"));
        assert_eq!(request.parameter("none"), None);
        assert_eq!(request.host.as_deref(), Some("room.local"));
        assert_eq!(request.authority.as_deref(), Some("room.local:8008"));
        assert_eq!(request.origin.as_deref(), Some("http://evil.example"));
        assert_eq!(request.accept, "text/plain, text/html;q=0.5");
        assert_eq!(request.credentials, Some(("ann".into(), "a:b".into())));
        assert!(request.expects_continue);
        assert_eq!(request.body, Length::Chunked);
    }

    #[test]
    fn a_target_is_a_path_or_a_url() {
        for (target, path, host) in [
            ("/", "", "room.local"),
            ("/dev?a=1?b", "dev", "room.local"),
            ("http://192.0.2.7:8008/dev", "dev", "192.0.2.7"),
            ("http://[2001:db8::1]:8008", "", "[2001:db8::1]"),
        ] {
            let request = get(target, "").expect(target);
            assert_eq!((request.path.as_str(), request.host.as_deref()), (path, Some(host)));
        }
        assert_eq!(get("*", ""), Err(TARGET));
        assert_eq!(get("/%ff", ""), Err(BadRequest::Path));
        let old = parsed("GET / HTTP/1.0\r\n\r\n").expect("a request without a host");
        assert_eq!(old.host, None);
    }

    /// What two programs could understand in two ways is refused: else one in front of
    /// us could be made to pass a request that it doesn't see.
    #[test]
    fn nothing_can_be_smuggled() {
        for (lines, error) in [
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", LENGTH),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", LENGTH),
            ("Content-Length: 5, 5\r\n", LENGTH),
            ("Content-Length: +5\r\n", LENGTH),
            ("Content-Length: 0x5\r\n", LENGTH),
            ("Content-Length: \r\n", LENGTH),
            ("Content-Length: 18446744073709551616\r\n", LENGTH),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", LENGTH),
            ("Transfer-Encoding: gzip, chunked\r\n", BadRequest::Coding),
            ("Transfer-Encoding: xchunked\r\n", BadRequest::Coding),
            ("Transfer-Encoding\r\n", NO_HEAD),
            ("Transfer-Encoding : chunked\r\n", NO_HEAD),
            ("A: b\r\n c\r\n", NO_HEAD),
            ("A: b\n", BARE_LF),
            ("A: b\0c\r\n", NO_HEAD),
            ("Host: other\r\n", HOST),
        ] {
            assert_eq!(get("/", lines), Err(error), "{lines:?}");
        }
        assert_eq!(parsed("GET / HTTP/1.1\r\n\r\n"), Err(HOST));
        assert_eq!(parsed("GET / HTTP/1.1\n\n"), Err(BARE_LF));
        // Empty lines before it hide nothing.
        assert_eq!(parsed("\r\n\r\nGET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n"), Err(BARE_LF));
        let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(parsed(old), Err(BadRequest::Coding));
    }

    #[test]
    fn other_methods_and_versions_have_their_status() {
        for (head, error) in [
            ("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::Method),
            ("get / HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::Method),
            ("PRI / HTTP/2.0\r\n\r\n", BadRequest::Version),
        ] {
            assert_eq!(parsed(head), Err(error), "{head:?}");
        }
    }

    #[test]
    fn a_head_has_a_limit() {
        let long = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}", "b".repeat(HEAD_BYTES_MAX));
        assert_eq!(Request::parse(long.as_bytes()), Err(BadRequest::TooLong));
        let whole = format!("{long}\r\n\r\n");
        assert_eq!(Request::parse(whole.as_bytes()), Err(BadRequest::TooLong));
        let many = "A: b\r\n".repeat(HEADERS_MAX);
        assert_eq!(get("/", &many), Err(BadRequest::TooLong));
    }

    #[test]
    fn a_websocket_is_asked_for_with_a_key() {
        let lines = |version: &str, key: &str| {
            format!(
                "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
                 Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n"
            )
        };
        // RFC 6455, section 1.3.
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let upgrade = get("/dev", &lines("13", key)).expect("a request").upgrade;
        assert_eq!(upgrade, Some(Upgrade { key: key.into() }));
        assert_eq!(get("/dev", &lines("8", key)), Err(BadRequest::SocketVersion));
        for wrong in ["", "dGhlIHNhbXBsZSBub25jZQ", "c2hvcnQ="] {
            assert_eq!(get("/dev", &lines("13", wrong)), Err(KEY), "{wrong:?}");
        }
        assert_eq!(get("/dev", "Upgrade: websocket\r\n").expect("a request").upgrade, None);
        let old = format!("GET /dev HTTP/1.0\r\n{}\r\n", lines("13", key));
        let (request, _) = Request::parse(old.as_bytes()).expect("a head").expect("all of it");
        assert_eq!(request.upgrade, None, "HTTP/1.0 has none");
    }

    proptest! {
        /// A head is read in the same way in however many pieces it comes, and nothing
        /// makes it panic.
        #[test]
        fn pieces_change_nothing(parts in prop::collection::vec(prop::sample::select(vec![
            "GET / HTTP/1.1", "POST /a?b=%zz HTTP/1.0", "\r\n", "\n", "\r\n\r\n", "Host: a",
            "Content-Length: 5", "Transfer-Encoding: chunked", " ", ":", "\0", "é", "\r",
        ]), 0..12)) {
            let bytes = parts.concat().into_bytes();
            let whole = Request::parse(&bytes);
            let first = (0..=bytes.len()).map(|end| Request::parse(&bytes[..end]));
            // Which of several mistakes is seen first may differ.
            let first = first.into_iter().find(|result| !matches!(result, Ok(None)));
            prop_assert_eq!(first.unwrap_or(Ok(None)).map_err(|_| ()), whole.map_err(|_| ()));
        }
    }
}
