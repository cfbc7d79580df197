//! Access to cards: in process, stdio, TCP.
