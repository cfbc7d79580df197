//! Power is lost at any point of a download, an enabling, an authentication and a deletion: what is there afterwards is the
//! card as before the command or as after it, never a third one.
//!
//! The card writes through [`rsp_euicc::disk::replace`] to a disk that writes down its steps. Each cut replays them up to
//! somewhere, also into the middle of a write, and keeps of what nothing had made last as much as chance wants.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rsp_apdu::{Card, CardAccess};
use rsp_crypto::Randomness;
use rsp_euicc::disk::{Disk, replace};
use rsp_euicc::{Euicc, EuiccState, MemoryStore, StateStore};
use rsp_testkit::SeededRandomness;

use crate::enabled_profile::authenticate;
use crate::load::setup;
use crate::server::Order;
use crate::terminal::Terminal;

/// How often power is lost, unless OPENRSP_POWER_CUTS says otherwise.
const CUTS: usize = 2000;
const CARD: &str = "card.euicc";
const PAGE: usize = 4096;

/// One step of the disk, with what it needs to be done again.
#[derive(Clone)]
enum Step {
    Write(PathBuf, Vec<u8>),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    FlushNames,
    /// The store said that this content is there for good.
    Committed(Vec<u8>),
}

/// Keeps a card's state on a disk that remembers how it got there.
#[derive(Clone, Default)]
struct Recorder {
    steps: Arc<Mutex<Vec<Step>>>,
    names: Arc<Mutex<std::collections::BTreeSet<PathBuf>>>,
}

impl Recorder {
    fn step(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }
}

impl Disk for Recorder {
    fn write_new(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        assert!(self.names.lock().unwrap().insert(path.to_owned()), "it writes into nothing that is there");
        self.step(Step::Write(path.to_owned(), content.to_vec()));
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let mut names = self.names.lock().unwrap();
        assert!(names.remove(from));
        names.insert(to.to_owned());
        self.step(Step::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        if !self.names.lock().unwrap().remove(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.step(Step::Remove(path.to_owned()));
        Ok(())
    }

    fn flush_names(&mut self, _: &Path) -> io::Result<()> {
        self.step(Step::FlushNames);
        Ok(())
    }
}

impl StateStore for Recorder {
    fn commit(&mut self, state: &[u8]) -> io::Result<()> {
        replace(&mut self.clone(), Path::new(CARD), state)?;
        self.step(Step::Committed(state.to_vec()));
        Ok(())
    }
}

/// What a disk holds: the names that last, and changes of names that may not.
#[derive(Default, Clone)]
struct Platter {
    lasting: BTreeMap<PathBuf, Vec<u8>>,
    pending: Vec<Step>,
}

impl Platter {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::FlushNames => self.settle(self.pending.len()),
            Step::Committed(_) => {}
            change => self.pending.push(change.clone()),
        }
    }

    /// Makes the first changes of names last. A file system forgets the last ones first.
    fn settle(&mut self, count: usize) {
        for change in self.pending.drain(..count) {
            match change {
                Step::Write(path, content) => drop(self.lasting.insert(path, content)),
                Step::Rename(from, to) => {
                    if let Some(content) = self.lasting.remove(&from) {
                        self.lasting.insert(to, content);
                    }
                }
                Step::Remove(path) => drop(self.lasting.remove(&path)),
                Step::FlushNames | Step::Committed(_) => {}
            }
        }
    }

    /// Loses power in the middle of `step`: what survives.
    fn lose_power(mut self, step: &Step, chance: &mut dyn FnMut(usize) -> usize) -> BTreeMap<PathBuf, Vec<u8>> {
        if let Step::Write(path, content) = step {
            self.pending.push(Step::Write(path.clone(), torn(content, chance)));
        }
        let survives = chance(self.pending.len() + 1);
        self.settle(survives);
        self.lasting
    }
}

/// A write that was cut off: some pages arrived, some did not, and the file may be shorter than it should be.
fn torn(content: &[u8], chance: &mut dyn FnMut(usize) -> usize) -> Vec<u8> {
    let mut torn = content.to_vec();
    for page in torn.chunks_mut(PAGE) {
        match chance(3) {
            0 => page.fill(0),
            1 => {
                let lost = chance(page.len() + 1);
                page[..lost].fill(0);
            }
            _ => {}
        }
    }
    torn.truncate(chance(content.len() + 1));
    torn
}

/// The steps of a card's disk through a download, an enabling, an authentication, a deletion and a reset.
fn life() -> Vec<Step> {
    let (mut world, mut server, _) = setup();
    let recorder = Recorder::default();
    let randomness = Box::new(SeededRandomness::new("a card"));
    let mut terminal = Terminal::with_store(world.euicc(1), recorder.clone(), randomness);
    let orders = [Order::number(1).notify(&[0, 1, 2, 3]), Order::number(2).notify(&[0, 1, 2, 3])];
    for order in &orders {
        terminal.install(&mut server, order);
        assert_eq!(terminal.enable(order.iccid()), 0);
        let channel = terminal.access.open_channel(&[0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02]).unwrap();
        assert!(authenticate(&mut terminal, channel, 0x20).0.starts_with("DB08"));
    }
    assert_eq!(terminal.delete(orders[0].iccid()), 0);
    terminal.hex("BF340482020780").unwrap();
    recorder.steps.lock().unwrap().clone()
}

#[test]
fn power_loss_leaves_the_card_as_before_or_as_after_the_command() {
    let steps = life();
    let commits = steps.iter().filter(|step| matches!(step, Step::Committed(_))).count();
    assert!(commits > 10, "{commits} commits");
    let cuts = std::env::var("OPENRSP_POWER_CUTS").map_or(CUTS, |cuts| cuts.parse().unwrap());
    let mut random = SeededRandomness::new("cuts");
    let mut chance = |below: usize| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        usize::try_from(u64::from_be_bytes(bytes) % below.max(1) as u64).unwrap()
    };
    let first = steps.iter().position(|step| matches!(step, Step::Committed(_))).unwrap() + 1;
    let (mut old, mut new, mut interrupted) = (0, 0, 0);
    for cut in 0..cuts {
        let at = first + chance(steps.len() - first);
        let mut platter = Platter::default();
        let mut before = None;
        for step in &steps[..at] {
            platter.apply(step);
            if let Step::Committed(state) = step {
                before = Some(state);
            }
        }
        let after = steps[at..].iter().find_map(|step| match step {
            Step::Committed(state) => Some(state),
            _ => None,
        });
        let survived = platter.lose_power(&steps[at], &mut chance);
        let found = survived.get(Path::new(CARD)).unwrap_or_else(|| panic!("cut {cut} at step {at}: no card"));
        match found {
            found if Some(found) == before => old += 1,
            found if Some(found) == after => new += 1,
            _ => panic!("cut {cut} at step {at}: neither the card before nor the card after"),
        }
        interrupted += usize::from(starts(found));
    }
    println!("{cuts} cuts in {} steps of the disk: {old} old, {new} new, {interrupted} in a download", steps.len());
    assert!(old > cuts / 20 && new > cuts / 50 && interrupted > cuts / 50, "{old} {new} {interrupted}");
}

/// The card in this content starts, with nothing of an unfinished download but its result. Says whether there was one.
fn starts(content: &[u8]) -> bool {
    let state = EuiccState::from_bytes(content).unwrap();
    let before = state.inspect().unwrap();
    let mut card = Euicc::new(state, MemoryStore::default(), Box::new(SeededRandomness::new("a card"))).unwrap();
    card.power_on();
    let after = card.state().inspect().unwrap();
    assert!(!after.load_interrupted);
    assert_eq!(after.profiles.len(), before.profiles.len());
    assert_eq!(after.notifications.len(), before.notifications.len() + usize::from(before.load_interrupted));
    assert_eq!(after.memory_free, before.memory_free);
    before.load_interrupted
}
