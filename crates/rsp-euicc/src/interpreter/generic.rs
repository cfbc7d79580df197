//! PE-GenericFileManagement: files outside the templates (TCA profile package 8.4).

use rsp_saip::gfm::{FileCommand, GenericFileManagement};
use rsp_saip::status::PeStatusCode;

use super::Fault;
use super::creation::Creation;
use super::install::Installer;
use crate::fs::NodeId;

impl Installer {
    /// Carries out the commands of an element; each list begins at the MF.
    pub(super) fn generic(&mut self, gfm: &GenericFileManagement) -> Result<(), Fault> {
        for commands in &gfm.commands {
            let mut position = Position::default();
            let mut creation = Creation::new(&mut self.progress, self.index);
            for command in commands {
                position.carry_out(&mut creation, command)?;
            }
        }
        Ok(())
    }
}

/// What is selected, and where the next content goes.
struct Position {
    df: NodeId,
    ef: Option<NodeId>,
    offset: usize,
}

impl Default for Position {
    fn default() -> Self {
        Self { df: NodeId::MF, ef: None, offset: 0 }
    }
}

impl Position {
    fn carry_out(&mut self, creation: &mut Creation<'_>, command: &FileCommand) -> Result<(), Fault> {
        match command {
            FileCommand::FilePath(path) => {
                let selected = creation.fs().by_package_path(&super::path(path)?);
                let message = "filePath leads to no file";
                self.select(creation, selected.ok_or_else(|| Fault::new(PeStatusCode::BAD_VALUES, message))?);
            }
            FileCommand::CreateFcp(fcp) => {
                let file = creation.generic_file(self.df, fcp)?;
                self.select(creation, file);
            }
            FileCommand::FillFileOffset(offset) => self.offset += usize::from(*offset),
            FileCommand::FillFileContent(content) => {
                let message = "content without a file";
                let ef = self.ef.ok_or_else(|| Fault::new(PeStatusCode::BAD_VALUES, message))?;
                self.offset = creation.fill(ef, self.offset, content)?;
            }
        }
        Ok(())
    }

    fn select(&mut self, creation: &mut Creation<'_>, file: NodeId) {
        let fs = creation.fs();
        if fs.df(file).is_some() {
            (self.df, self.ef) = (file, None);
        } else {
            (self.df, self.ef) = (fs.node(file).parent.unwrap_or(NodeId::MF), Some(file));
        }
        self.offset = 0;
    }
}
