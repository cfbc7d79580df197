//! The page of the profile library.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::library::{Contents, Directory, Entry, File, library};
use crate::portal::{Failure, Mark, Shell, Viewer, moment, page};
use crate::service::Service;

#[derive(Template)]
#[template(path = "handing_out/library.html")]
struct LibraryPage {
    shell: Shell,
    entries: Vec<Shown>,
    staff: bool,
}

struct Shown {
    name: String,
    operator: String,
    kind: &'static str,
    mark: Mark,
    left: String,
    stock: Vec<(&'static str, String)>,
    since: String,
    contents: Option<Contents>,
    elements: String,
    services: String,
    files: usize,
    directories: Vec<Shelf>,
}

/// A directory with its files.
struct Shelf {
    name: String,
    identifier: String,
    aid: String,
    files: Vec<Row>,
}

struct Row {
    name: String,
    identifier: String,
    structure: &'static str,
    size: String,
}

/// `GET /library`.
pub(super) async fn show(State(service): State<Arc<Service>>, viewer: Viewer) -> Result<Response, Failure> {
    let (desk, actor) = (Arc::clone(&service.desk), viewer.actor.clone());
    let entries = service.workshop.run(async move { library(&desk, &actor).await }).await?;
    let entries = entries.into_iter().map(shown).collect();
    let staff = viewer.actor.tenant().is_none();
    Ok(page(&LibraryPage { shell: Shell::new(&viewer, "Profile library", "/library"), entries, staff }))
}

fn shown(entry: Entry) -> Shown {
    let mark = match (entry.profile_type.closed, entry.left(), entry.is_running_out()) {
        (true, _, _) => Mark::new("", "pause", "Closed"),
        (false, Some(0), _) => Mark::new("bad", "bad", "Used up"),
        (false, _, true) => Mark::new("warn", "warn", "Running out"),
        _ => Mark::new("good", "good", "In stock"),
    };
    let mut stock = vec![("Ordered", entry.ordered.to_string()), ("Ready", entry.available.to_string())];
    if entry.profile_type.template {
        let number =
            |count: Option<u64>| count.map_or_else(|| "random, without limit".to_owned(), |count| count.to_string());
        stock.push(("ICCIDs left in the range", number(entry.iccids_left)));
        stock.push(("Subscribers left", number(entry.subscribers_left)));
    }
    let listed = |elements: &[(String, usize)]| {
        let one =
            |(kind, count): &(String, usize)| if *count == 1 { kind.clone() } else { format!("{kind} ×{count}") };
        elements.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    Shown {
        left: entry.left().map_or_else(|| "without limit".to_owned(), |left| left.to_string()),
        name: entry.profile_type.name,
        operator: entry.profile_type.operator.unwrap_or_else(|| "the server".to_owned()),
        kind: if entry.profile_type.template { "Template" } else { "Inventory" },
        mark,
        stock,
        since: moment(entry.profile_type.created_at),
        elements: entry.contents.as_ref().map(|contents| listed(&contents.elements)).unwrap_or_default(),
        services: entry.contents.as_ref().map(|contents| contents.services.join(", ")).unwrap_or_default(),
        files: entry.contents.as_ref().map_or(0, Contents::files),
        directories: entry.contents.iter().flat_map(|contents| &contents.directories).map(shelf).collect(),
        contents: entry.contents,
    }
}

fn shelf(directory: &Directory) -> Shelf {
    Shelf {
        name: directory.name.to_uppercase(),
        identifier: identifier(directory.identifier),
        aid: directory.aid.clone().unwrap_or_default(),
        files: directory.files.iter().map(file).collect(),
    }
}

fn file(file: &File) -> Row {
    let size = match (file.size, file.record) {
        (Some(size), Some(record)) => format!("{size} ({} records of {record})", size / record),
        (Some(size), None) => size.to_string(),
        (None, _) => "not said".to_owned(),
    };
    Row { name: file.name.to_uppercase(), identifier: identifier(file.identifier), structure: file.structure, size }
}

fn identifier(identifier: Option<u16>) -> String {
    identifier.map(|identifier| format!("{identifier:04X}")).unwrap_or_default()
}
