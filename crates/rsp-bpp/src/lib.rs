//! BSP (SCP03t) and the Bound Profile Package: protect, bind, and the reverse.
