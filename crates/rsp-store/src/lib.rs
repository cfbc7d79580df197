//! Datastore: transactions, models, migrations, sealed columns.
