//! Certificates of every RSP role: profiles, issuing, path validation, CRLs.
