//! TCA eUICC Profile Package: parse, build, personalise.
