//! The state: committed before the answer, whole or not at all, private.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rsp_apdu::CardAccess;
use rsp_asn1::{CancelSessionResponse, CancelSessionResponseError, encode};
use rsp_card::InProcess;
use rsp_euicc::{Error, Euicc, EuiccState, FileStore, ISDR_AID, MemoryStore, StateStore};
use rsp_testkit::SeededRandomness;

use crate::load::setup;
use crate::server::{Order, World};
use crate::terminal::Terminal;

fn randomness() -> Box<SeededRandomness> {
    Box::new(SeededRandomness::new("a card"))
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("card.euicc");
    FileStore::create(&path, &World::p256().euicc(1)).unwrap();
    (directory, path)
}

#[test]
fn a_card_in_a_file_keeps_what_it_answered() {
    let (_directory, path) = file();
    for expected in ["BF3C1181", "BF3C198006612E622E636481"] {
        let (store, state) = FileStore::open(&path).unwrap();
        let mut access = InProcess::new(Euicc::new(state, store, randomness()).unwrap());
        let channel = access.open_channel(&ISDR_AID).unwrap();
        let mut send = |request: &str| {
            let request = hex::decode(request).unwrap();
            hex::encode_upper(rsp_apdu::store_data::send(&mut access, channel, &request, 255).unwrap())
        };
        assert!(send("BF3C00").starts_with(expected), "{}", send("BF3C00"));
        send("BF3F088006612E622E6364");
    }
}

#[test]
fn what_a_crash_left_beside_the_state_does_not_matter() {
    let (directory, path) = file();
    let before = fs::read(&path).unwrap();
    fs::write(directory.path().join("card.euicc.openrsp-new"), &before[..100]).unwrap();
    let (mut store, state) = FileStore::open(&path).unwrap();
    assert_eq!(state.to_bytes().unwrap().as_slice(), before);
    store.commit(&before).unwrap();
    assert!(!directory.path().join("card.euicc.openrsp-new").exists());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_card_is_open_once() {
    let (_directory, path) = file();
    let open = FileStore::open(&path).unwrap();
    assert!(matches!(FileStore::open(&path), Err(Error::InUse { .. })));
    assert!(FileStore::read(&path).is_ok(), "looking at it is allowed");
    drop(open);
    assert!(FileStore::open(&path).is_ok());
}

#[test]
fn a_card_is_private_and_never_overwritten() {
    let (_directory, path) = file();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(FileStore::create(&path, &World::p256().euicc(2)), Err(Error::Io { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = FileStore::open(&path).err().unwrap();
    assert!(matches!(error, Error::Permissions { mode: 0o640, .. }) && error.to_string().contains("chmod 600"));
}

#[test]
fn a_symbolic_link_is_the_card_at_its_end() {
    let (directory, path) = file();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink("card.euicc", &link).unwrap();
    let (mut store, state) = FileStore::open(&link).unwrap();
    for name in [&path, &link] {
        assert!(matches!(FileStore::open(name), Err(Error::InUse { .. })), "{}", name.display());
    }
    let content = state.to_bytes().unwrap();
    let before = fs::metadata(&path).unwrap();
    store.commit(&content).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link is not replaced");
    let inode = |metadata: &fs::Metadata| std::os::unix::fs::MetadataExt::ino(metadata);
    assert_ne!(inode(&fs::metadata(&path).unwrap()), inode(&before), "the file is");
    assert_eq!(fs::read(&path).unwrap(), fs::read(&link).unwrap());
    drop(store);
    assert!(FileStore::open(&path).is_ok());
}

#[test]
fn a_card_with_two_hard_links_is_refused() {
    let (directory, path) = file();
    let other = directory.path().join("other.euicc");
    fs::hard_link(&path, &other).unwrap();
    for name in [&path, &other] {
        assert!(matches!(FileStore::open(name), Err(Error::Linked { links: 2, .. })));
        assert!(matches!(FileStore::read(name), Err(Error::Linked { links: 2, .. })));
    }
    fs::remove_file(&other).unwrap();
    assert!(FileStore::open(&path).is_ok());
}

#[test]
fn what_is_no_file_or_too_large_is_no_card() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path(), Path::new("/dev/zero"), Path::new("/dev/null")] {
        assert!(matches!(FileStore::open(path), Err(Error::NotAFile { .. })), "{}", path.display());
        assert!(matches!(FileStore::read(path), Err(Error::NotAFile { .. })), "{}", path.display());
    }
    let huge = directory.path().join("huge");
    fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(FileStore::open(&huge), Err(Error::TooLarge { limit: 67_108_864, .. })));
    assert!(!directory.path().join("huge.lock").exists());
}

#[test]
fn creating_a_card_never_follows_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let (link, target) = (directory.path().join("link"), directory.path().join("target"));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(matches!(FileStore::create(&link, &World::p256().euicc(1)), Err(Error::Io { .. })));
    assert!(!target.exists() && fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn of_two_who_create_a_card_at_once_one_succeeds() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("card.euicc");
    let cards = [World::p256().euicc(1), World::p256().euicc(2)];
    let made = std::thread::scope(|scope| {
        let threads = cards.each_ref().map(|card| scope.spawn(|| FileStore::create(&path, card).is_ok()));
        threads.map(|thread| thread.join().unwrap())
    });
    assert_ne!(made[0], made[1]);
    let kept = &cards[usize::from(made[1])];
    assert_eq!(fs::read(&path).unwrap(), kept.to_bytes().unwrap().as_slice());
}

#[test]
fn what_a_crash_left_of_a_creation_is_no_card_and_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let (path, unfinished) = (directory.path().join("card.euicc"), directory.path().join("card.euicc.openrsp-new"));
    let card = World::p256().euicc(1);
    let content = card.to_bytes().unwrap();
    fs::write(&unfinished, &content[..100]).unwrap();
    assert!(FileStore::open(&path).is_err());
    FileStore::create(&path, &card).unwrap();
    assert!(!unfinished.exists());
    assert_eq!(fs::read(&path).unwrap(), content.as_slice());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_card_that_got_its_name_just_before_a_crash_is_whole() {
    let (directory, path) = file();
    let unfinished = directory.path().join("card.euicc.openrsp-new");
    fs::hard_link(&path, &unfinished).unwrap();
    assert!(matches!(FileStore::open(&unfinished), Err(Error::ReservedName { .. })), "this is not its name");
    assert!(FileStore::read(&path).is_ok());
    let (mut store, state) = FileStore::open(&path).unwrap();
    store.commit(&state.to_bytes().unwrap()).unwrap();
    assert!(!unfinished.exists(), "one eUICC has one name");
}

/// `phone.new` and `phone` are two eUICCs of one owner; names that would make one the side file of the other are refused.
#[test]
fn no_card_is_taken_for_a_file_beside_another() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for name in ["phone.new", "phone"] {
        FileStore::create(&at(name), &World::p256().euicc(1)).unwrap();
    }
    let (mut store, state) = FileStore::open(&at("phone")).unwrap();
    store.commit(&state.to_bytes().unwrap()).unwrap();
    assert!(FileStore::open(&at("phone.new")).is_ok());
    for name in ["phone.openrsp-new", "phone.lock", ".lock"] {
        let refused = FileStore::create(&at(name), &World::p256().euicc(1));
        assert!(matches!(refused, Err(Error::ReservedName { .. })), "{name}");
        fs::rename(at("phone.new"), at(name)).unwrap();
        assert!(matches!(FileStore::open(&at(name)), Err(Error::ReservedName { .. })), "{name}");
        fs::rename(at(name), at("phone.new")).unwrap();
    }
}

#[test]
fn a_card_that_is_being_made_is_made_by_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("card.euicc");
    let maker = fs::File::create(directory.path().join("card.euicc.lock")).unwrap();
    maker.lock().unwrap();
    assert!(matches!(FileStore::create(&path, &World::p256().euicc(1)), Err(Error::InUse { .. })));
    drop(maker);
    FileStore::create(&path, &World::p256().euicc(1)).unwrap();
}

#[test]
fn damage_is_noticed() {
    let state = World::p256().euicc(1);
    let good = state.to_bytes().unwrap();
    assert!(EuiccState::from_bytes(&good).is_ok());
    let error = |bytes: &[u8]| EuiccState::from_bytes(bytes).err().expect("damage is noticed");
    assert!(matches!(error(b""), Error::NotAState));
    assert!(matches!(error(b"{\"eid\":1}"), Error::NotAState));
    for place in 0..good.len() {
        let mut bad = good.to_vec();
        bad[place] ^= 1;
        let error = error(&bad);
        let expected = match place {
            0..20 => matches!(error, Error::NotAState),
            20..24 => matches!(error, Error::StateVersion { supported: 2, .. }),
            _ => matches!(error, Error::StateChecksum),
        };
        assert!(expected, "byte {place}: {error}");
    }
    let mut earlier = good.to_vec();
    earlier[23] = 1;
    assert!(matches!(error(&earlier), Error::StateChecksum), "the version is protected as well");
    for length in (0..good.len()).step_by(97) {
        error(&good[..length]);
    }
}

/// A store that fails when told to.
#[derive(Clone, Default)]
pub(crate) struct Brittle {
    inner: MemoryStore,
    broken: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Brittle {
    pub(crate) fn break_it(&self, broken: bool) {
        self.broken.store(broken, std::sync::atomic::Ordering::Relaxed);
    }

    pub(crate) fn contents(&self) -> Vec<u8> {
        self.inner.contents().to_vec()
    }
}

impl StateStore for Brittle {
    fn commit(&mut self, state: &[u8]) -> io::Result<()> {
        match self.broken.load(std::sync::atomic::Ordering::Relaxed) {
            true => Err(io::Error::other("no space left")),
            false => self.inner.commit(state),
        }
    }
}

#[test]
fn what_cannot_be_stored_is_refused_and_undone() {
    let store = Brittle::default();
    let card = Euicc::new(World::p256().euicc(1), store.clone(), randomness()).unwrap();
    let mut access = InProcess::new(card);
    let channel = access.open_channel(&ISDR_AID).unwrap();
    let mut send = |request: &str| {
        let command = &rsp_apdu::store_data::commands(channel, &hex::decode(request).unwrap(), 255).unwrap()[0];
        let answer = access.transmit(command).unwrap();
        hex::encode_upper(answer.to_bytes())
    };
    let before = send("BF3C00");
    store.break_it(true);
    assert_eq!(send("BF3F088006612E622E6364"), "6581");
    assert_eq!(send("BF3C00"), before);
    store.break_it(false);
    assert_eq!(send("BF3F088006612E622E6364"), "BF3F038001009000");
    assert_ne!(send("BF3C00"), before);
}

#[test]
fn a_session_whose_key_cannot_be_stored_ends() {
    let mut world = World::p256();
    let mut server = world.server();
    let store = Brittle::default();
    let mut terminal = Terminal::with_store(world.euicc(1), store.clone(), randomness());
    let authenticated = terminal.authenticate(&mut server);
    let request = encode(&server.prepare(&authenticated, None)).unwrap();
    store.break_it(true);
    assert_eq!(terminal.es10(&request).unwrap_err().0, 0x6581);
    store.break_it(false);
    let transaction = &authenticated.euicc_signed1.value().transaction_id;
    let CancelSessionResponse::Error(error) = terminal.cancel(transaction, 0) else { panic!("there is a session") };
    assert_eq!(error, CancelSessionResponseError::INVALID_TRANSACTION_ID);
}

#[test]
fn every_answer_finds_its_change_in_the_store() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).notify(&[1, 2, 3]);
    let stored = |terminal: &Terminal| EuiccState::from_bytes(&terminal.store.contents()).unwrap().inspect().unwrap();
    terminal.install(&mut server, &order);
    assert_eq!(stored(&terminal).profiles.len(), 1);
    terminal.enable(order.iccid());
    assert!(stored(&terminal).profiles[0].enabled);
    assert_eq!(stored(&terminal).notifications.len(), 2);
    terminal.disable(order.iccid());
    assert!(!stored(&terminal).profiles[0].enabled);
    terminal.hex("BF3003800101").unwrap();
    assert_eq!(stored(&terminal).notifications.len(), 2);
    terminal.delete(order.iccid());
    assert!(stored(&terminal).profiles.is_empty());

    // The same store under another card: what was answered is there.
    let state = EuiccState::from_bytes(&terminal.store.contents()).unwrap();
    let mut successor = Terminal::with_randomness(state, randomness());
    assert_eq!(successor.notifications(), terminal.notifications());
}

/// Whoever only reads needs no room on the disk.
#[test]
fn a_card_that_is_only_read_is_not_written() {
    let (_directory, path) = file();
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = inode(&path);
    let (store, state) = FileStore::open(&path).unwrap();
    let mut access = InProcess::new(Euicc::new(state, store, randomness()).unwrap());
    let channel = access.open_channel(&ISDR_AID).unwrap();
    let mut send =
        |request: &str| rsp_apdu::store_data::send(&mut access, channel, &hex::decode(request).unwrap(), 255).unwrap();
    send("BF2D00");
    assert_eq!(inode(&path), before);
    send("BF3F088006612E622E6364");
    assert_ne!(inode(&path), before);
}
