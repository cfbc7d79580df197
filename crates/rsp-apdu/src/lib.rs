//! ISO 7816-4 commands, logical channels, STORE DATA, status words; the traits Card and CardAccess.
