//! Every sequence of steps up to a length, in both roles, against a table of the rules (RFC 6455, sections 5 and 7),
//! and the table against the chart in `DESIGN.md`.
#![cfg(feature = "alloc")]

mod chart;
mod rules;
mod run;
mod steps;

use self::chart::{Transition, transitions};
use self::rules::{Expected, Model, Owed, State};
use self::run::{Feed, Ready};
use self::steps::{Call, Step};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;
use ws_proto::{Connection, Role};

/// All sequences of some length: any steps of `inner` that go on, and one of `last`.
struct Exploration {
    role: Role,
    feed: Feed,
    inner: Vec<Ready>,
    last: Vec<Ready>,
    /// Whether a step is the last where it is refused, or came too late.
    prunes: bool,
    states: BTreeSet<State>,
    taken: BTreeSet<(State, Transition)>,
    sequences: u64,
    steps: u64,
}

impl Exploration {
    fn new(role: Role, feed: Feed, inner: Vec<Step>, last: Vec<Step>, prunes: bool) -> Self {
        let ready = |steps: Vec<Step>| steps.into_iter().map(|step| Ready::new(step, role)).collect();
        let (inner, last) = (ready(inner), ready(last));
        let (states, taken) = (BTreeSet::new(), BTreeSet::new());
        Self { role, feed, inner, last, prunes, states, taken, sequences: 0, steps: 0 }
    }

    /// All sequences of `depth` steps and fewer.
    fn run(mut self, name: &str, depth: usize) -> Self {
        let (inner, last) = (std::mem::take(&mut self.inner), std::mem::take(&mut self.last));
        let start = Instant::now();
        self.descend(&inner, &last, &mut Vec::new(), &Model::new(self.role), depth);
        println!(
            "{name}, {:?}, {:?}: depth {depth}, {} sequences, {} steps, {:.1?}",
            self.role,
            self.feed,
            self.sequences,
            self.steps,
            start.elapsed()
        );
        self
    }

    fn descend<'r>(
        &mut self,
        inner: &'r [Ready],
        last: &'r [Ready],
        before: &mut Vec<&'r Ready>,
        model: &Model,
        depth: usize,
    ) {
        self.states.insert(model.state());
        // Where the receiving side is over, frames are swallowed: one connection has to bear them all.
        let mut over = None;
        if !model.state().receiving.is_live() {
            over = Some(run::replay(self.role, self.feed, before.iter().copied()));
        }
        for ready in last {
            let over = over.as_mut().filter(|_| matches!(ready.step, Step::Frame(_)));
            self.check(before, ready, model, over);
        }
        if depth < 2 {
            return;
        }
        for ready in inner {
            let mut next = model.clone();
            let expected = next.step(&ready.step);
            if self.prunes && !goes_on(&ready.step, model, &next, &expected) {
                continue;
            }
            before.push(ready);
            self.descend(inner, last, before, &next, depth - 1);
            before.pop();
        }
    }

    /// The sequence that `ready` ends. What comes before was checked as one of its own.
    fn check(&mut self, before: &[&Ready], ready: &Ready, model: &Model, over: Option<&mut Connection>) {
        let mut next = model.clone();
        let expected = next.step(&ready.step);
        let state = model.state();
        self.taken.extend(next.taken.iter().map(|transition| (state, *transition)));
        self.sequences += 1;
        self.steps += before.len() as u64 + 1;
        let checked = catch_unwind(AssertUnwindSafe(|| {
            if let Some(connection) = over {
                return run::check(connection, self.feed, ready, &next, &expected);
            }
            let mut connection = run::replay(self.role, self.feed, before.iter().copied());
            run::check(&mut connection, self.feed, ready, &next, &expected);
            run::check_outgoing(&mut connection, &mut next);
        }));
        if let Err(panic) = checked {
            println!("{:?}, {:?}, in {state:?}", self.role, self.feed);
            for ready in before.iter().copied().chain([ready]) {
                println!("    {:?}", ready.step);
            }
            println!("must be {expected:?}");
            resume_unwind(panic);
        }
    }
}

/// Whether more may follow: the step was not refused, and did not find a connection that is over.
fn goes_on(step: &Step, before: &Model, after: &Model, expected: &Expected) -> bool {
    let changes = before.state() != after.state();
    match (step, expected) {
        (_, Expected::Nothing) => before.state().receiving.is_live(),
        (Step::Frame(frame), Expected::Fault(_)) => frame.opcode == 3,
        (Step::Call(Call::Close(..) | Call::End), _) => changes,
        (_, Expected::Said(said)) => said.is_ok(),
        (_, Expected::Eof(_) | Expected::Written(_) | Expected::Event(..) | Expected::Fault(_)) => true,
    }
}

fn every_two_steps(role: Role) {
    for feed in [Feed::Whole, Feed::ByteByByte] {
        Exploration::new(role, feed, steps::all(), steps::all(), false).run("all classes", 2);
    }
}

fn long_sequences(role: Role) {
    let seen = Exploration::new(role, Feed::Advance, steps::inner(), steps::last(), true).run("classes that go on", 4);
    // No state is only on paper, and none is missing there.
    let possible: BTreeSet<State> = State::all().filter(|state| state.is_possible()).collect();
    assert_eq!(seen.states, possible);
    let found: BTreeSet<Transition> = seen.taken.iter().map(|(_, transition)| *transition).collect();
    let chart = transitions();
    let (missing, left): (Vec<_>, Vec<_>) = (found.difference(&chart).collect(), chart.difference(&found).collect());
    assert!(missing.is_empty() && left.is_empty(), "not in the chart: {missing:#?}, nowhere else: {left:#?}");
    // Each row was taken in each state of the other direction.
    for state in possible {
        for transition in &chart {
            let there = if transition.receives { state.receiving.name() } else { state.sending.name() };
            let applies = match transition.class {
                "owed pong" => state.owed == Owed::Pong,
                "owed close" => state.owed == Owed::Close,
                "end of stream" if !transition.receives => state.receiving.is_live(),
                _ => true,
            };
            let taken = seen.taken.contains(&(state, *transition));
            assert_eq!(taken, applies && there == transition.state, "{state:?}: {transition:?}");
        }
    }
}

#[test]
fn every_two_steps_of_a_client_are_as_the_rules_say() {
    every_two_steps(Role::Client);
}

#[test]
fn every_two_steps_of_a_server_are_as_the_rules_say() {
    every_two_steps(Role::Server);
}

#[test]
fn long_sequences_of_a_client_take_each_way_through_the_chart() {
    long_sequences(Role::Client);
}

#[test]
fn long_sequences_of_a_server_take_each_way_through_the_chart() {
    long_sequences(Role::Server);
}
