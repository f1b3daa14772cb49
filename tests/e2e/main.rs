//! End to end: the real loop and the real binary over real sockets, and the
//! programs that people join with.
//!
//! No test sleeps; each waits for something to arrive. That something does
//! *not* arrive is shown by a line that is sent after it and comes next. Two
//! clients that speak one after the other are only in order if the second one
//! has heard the first.

#[path = "../support/mod.rs"]
mod support;
mod harness;
mod session;
mod source;
mod imports;

// What a user gets.
mod visits;
mod web;
mod tls;
mod certificates;
mod curl;
mod metrics;
mod browser;
mod names;
mod registered;
mod subcommands;
mod packages;
mod lan;
mod engine;
mod cluster;
mod jepsen;
mod first_screen;
mod lines;
mod text;
mod telnet;
mod modes;
mod raw;
mod half_close;
mod protocols;
mod proxies;

// What must hold.
mod order;
mod people;
mod pieces;
mod slowness;
mod away;
mod fairness;
mod floods;
mod farewells;
mod resets;
mod limits;
mod idle;
mod signals;
mod namespaces;
mod addresses;
mod bans;

// The program.
mod listeners;
mod service;
mod options;
mod output;
mod files;
mod store;
mod commands;
mod crash;
mod operators;
mod rules;
mod netcat;
mod motd;
mod bots;
mod json;
mod telnet_program;
mod editing;
mod terminals;
mod tour;

// The documents and the shape of the code.
mod docs;
mod readme;
mod architecture;
mod mutants;
