//! What goes wrong over time.

use headwater_core::EventRecord;
use headwater_core::leader::Input;

use super::{Action, Ask, World};
use crate::faults::Trouble;

impl World {
    pub(super) fn trouble(&mut self, client: usize, trouble: Trouble) {
        if self.clients[client].leader.is_none() {
            return;
        }
        self.note(|world| format!("{} {trouble:?}", world.clients[client].name));
        let lasts = self.rng.between(1, 5_000);
        match trouble {
            Trouble::Crash => return self.die(client, true),
            Trouble::Handover => return self.die(client, false),
            Trouble::PowerLoss => return self.power_loss(client),
            Trouble::Copy if self.clients.len() < 6 => return self.copy(client),
            Trouble::Copy => return,
            Trouble::Partition => self.clients[client].cut_off = true,
            Trouble::Offline => {
                self.clients[client].online = false;
                self.handle(client, Input::SetOnline(false));
            }
            Trouble::BackendDown => {
                self.backend_down = true;
                for (client, life, request, pull) in std::mem::take(&mut self.held).into_values() {
                    self.lost(client, life, request, &Ask::Pull(pull));
                }
            }
        }
        self.due(self.now + lasts, Action::Over { client, trouble });
    }

    pub(super) fn over(&mut self, client: usize, trouble: Trouble) {
        match trouble {
            Trouble::Partition => self.clients[client].cut_off = false,
            Trouble::BackendDown => self.backend_down = false,
            Trouble::Offline => {
                self.clients[client].online = true;
                self.handle(client, Input::SetOnline(true));
            }
            Trouble::Crash | Trouble::Handover | Trouble::PowerLoss | Trouble::Copy => {}
        }
    }

    pub(crate) fn die(&mut self, client: usize, with_sessions: bool) {
        self.note(|world| format!("{} dies: {}", world.clients[client].name, world.place(client)));
        self.count(if with_sessions { "crashes" } else { "handovers" });
        self.clients[client].die(with_sessions);
        self.after(2_000, Action::Start { client });
    }

    /// The first time it keeps a backup, the next time it goes back to it.
    fn power_loss(&mut self, client: usize) {
        let Some(backup) = self.clients[client].backup.take() else {
            let backup = self.clients[client].disk.store.borrow().clone();
            self.clients[client].backup = Some(backup);
            return;
        };
        self.count("power losses");
        let lost = self.clients[client].disk.store.replace(backup);
        let kept = self.clients[client].disk.store.borrow().clone();
        let rejected = lost.rejected.iter().map(|rejection| &rejection.event);
        let had = lost.events().iter().chain(rejected).map(EventRecord::id).collect::<Vec<_>>();
        self.excused.extend(had.into_iter().filter(|id| !kept.has(*id)));
        self.clients[client].compared = kept.settled.len().min(self.clients[client].compared);
        self.die(client, true);
    }

    fn copy(&mut self, client: usize) {
        self.count("copies");
        let name = char::from(b'A' + self.clients.len() as u8);
        let copy = self.clients[client].copy(name);
        self.clients.push(copy);
        let copy = self.clients.len() - 1;
        self.after(1_000, Action::Start { client: copy });
        for _ in 0..self.rng.between(0, 5) {
            self.after(8_000, Action::Commit { client: copy, session: 0 });
        }
    }
}
