//! Several servers while their engine, their links and they themselves break: clients say values
//! that no other one says, observers record what they are shown, and a checker compares.

// In reading order.
mod history;
mod notices;
mod checker;
mod checker_tests;
mod recorder;
mod people;
mod way;
mod wall;
mod cluster;
mod nemesis;
mod mixed;
mod partition;
