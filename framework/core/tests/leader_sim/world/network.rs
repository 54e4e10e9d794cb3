//! The network, and what the backend hears of it.

use headwater_core::leader::{Input, TransportError};
use headwater_core::protocol::{PullAnswer, PullRequest};

use super::{Action, Ask, World};

impl World {
    fn is_lost(&mut self, client: usize) -> bool {
        self.clients[client].cut_off || self.backend_down || self.rng.per_mille(self.faults.loss)
    }

    pub(super) fn send(&mut self, client: usize, life: u64, request: u64, ask: &Ask) {
        let copies = 1 + u64::from(self.rng.per_mille(self.faults.doubled));
        for _ in 0..copies {
            if self.is_lost(client) {
                self.lost(client, life, request, ask);
            } else {
                self.after(self.faults.delay_ms, Action::Ask { client, life, request, ask: ask.clone() });
            }
        }
    }

    /// Who waits for an answer may notice that there will be none.
    pub(super) fn lost(&mut self, client: usize, life: u64, request: u64, ask: &Ask) {
        if self.rng.per_mille(self.faults.noticed) {
            let input = failed(request, ask, TransportError::Offline("broken".to_owned()));
            self.after(self.faults.delay_ms, Action::Input { client, life, input });
        }
    }

    pub(super) fn ask(&mut self, client: usize, life: u64, request: u64, ask: &Ask) {
        if self.backend_down {
            return self.lost(client, life, request, ask);
        }
        if self.rng.per_mille(self.faults.refuses) {
            let error = self.refusal();
            return self.answer(client, life, &failed(request, ask, error), ask, request);
        }
        let input = match ask {
            Ask::Push(push) => {
                let head = self.backend.log.len();
                let answer = self.backend.push(push);
                self.note(|world| {
                    format!("backend: {} of {}", crate::trace::push_answer(&answer), world.clients[client].name)
                });
                crate::trace::count_push(self, &answer);
                if self.backend.log.len() > head {
                    self.wake();
                }
                Input::Pushed { request, result: Ok(answer) }
            }
            Ask::Pull(pull) => match self.backend.pull(pull, false) {
                Some(answer) => {
                    self.count_page(client, &answer);
                    Input::Pulled { request, result: Ok(answer) }
                }
                None => return self.hold(client, life, request, pull),
            },
        };
        if self.rng.per_mille(self.faults.fails_after) {
            self.count("failures after the deed");
            let error = TransportError::Server("it fell over".to_owned());
            return self.answer(client, life, &failed(request, ask, error), ask, request);
        }
        self.answer(client, life, &input, ask, request);
    }

    fn count_page(&mut self, client: usize, answer: &PullAnswer) {
        let waits = !self.clients[client].disk.store.borrow().pending.is_empty();
        if waits && matches!(answer, PullAnswer::Page(page) if page.remaining > 0) {
            self.count("pages to be coalesced");
        }
    }

    fn refusal(&mut self) -> TransportError {
        let text = "so it is".to_owned();
        match self.rng.between(0, 4) {
            0 => TransportError::RateLimited { retry_after_ms: Some(2_000), reason: text },
            1 => TransportError::NeedsAuth(text),
            2 => TransportError::NotOurs(text),
            3 => TransportError::Quota(text),
            _ => TransportError::Server(text),
        }
    }

    fn answer(&mut self, client: usize, life: u64, input: &Input, ask: &Ask, request: u64) {
        let copies = 1 + u64::from(self.rng.per_mille(self.faults.doubled));
        for _ in 0..copies {
            if self.is_lost(client) {
                self.count("answers lost");
                self.lost(client, life, request, ask);
            } else {
                self.after(self.faults.delay_ms, Action::Input { client, life, input: input.clone() });
            }
        }
    }

    pub(super) fn hold(&mut self, client: usize, life: u64, request: u64, pull: &PullRequest) {
        self.ties += 1;
        let poll = self.ties;
        self.held.insert(poll, (client, life, request, pull.clone()));
        self.due(self.now + pull.wait_ms, Action::PollOver { poll });
    }

    pub(super) fn wake(&mut self) {
        let polls: Vec<_> = self.held.keys().copied().collect();
        polls.into_iter().for_each(|poll| self.poll_over(poll, false));
    }

    pub(super) fn poll_over(&mut self, poll: u64, over: bool) {
        let Some((client, life, request, pull)) = self.held.remove(&poll) else { return };
        match self.backend.pull(&pull, over) {
            Some(answer) => {
                let input = Input::Pulled { request, result: Ok(answer) };
                self.answer(client, life, &input, &Ask::Pull(pull), request);
            }
            None => {
                self.held.insert(poll, (client, life, request, pull));
            }
        }
    }
}

fn failed(request: u64, ask: &Ask, error: TransportError) -> Input {
    match ask {
        Ask::Pull(_) => Input::Pulled { request, result: Err(error) },
        Ask::Push(_) => Input::Pushed { request, result: Err(error) },
    }
}
