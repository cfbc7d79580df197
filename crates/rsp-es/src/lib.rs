//! ES9+ messages and bindings, subject and reason codes, activation codes; client and server.
