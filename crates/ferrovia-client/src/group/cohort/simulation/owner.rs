//! What owners do: they write what they work on, divide all work when they lead, and take their time.

use super::{Action, Assignment, Bytes, Election, Event, Moment, PIECES, TROUBLE, Ticket, World};

impl World {
    pub(super) fn tell_owner(&mut self, place: usize, action: Action) {
        match action {
            Action::AskOffers(ticket) => {
                let slow = self.now < TROUBLE && self.rng.u32(0..20) == 0;
                let delay = self.millis(if slow { 3_000..12_000 } else { 0..400 });
                let declines = self.now < TROUBLE && self.rng.u32(0..40) == 0;
                let event = if declines {
                    Event::Decline(ticket)
                } else {
                    Event::Offers(ticket)
                };
                self.schedule(delay, place, event);
            }
            Action::AskAssignments(ticket, election) => {
                let slow = self.now < TROUBLE && self.rng.u32(0..20) == 0;
                let delay = self.millis(if slow { 3_000..12_000 } else { 0..200 });
                self.schedule(delay, place, Event::Assignments(ticket, election));
            }
            Action::Assigned(assignment) => self.take_work(place, &assignment),
            Action::Lost(_) => self.drop_work(place),
            Action::Call(_) | Action::Fatal(_) | Action::Stopped => {}
        }
    }

    pub(super) fn offer(&mut self, place: usize, ticket: Ticket, at: Moment) -> Vec<Action> {
        let process = &mut self.processes[place];
        let works_on: Vec<u8> = process.works_on.iter().copied().collect();
        let offers = ["new", "old"].map(|protocol| super::Offer {
            protocol: protocol.into(),
            metadata: Bytes::from(works_on.clone()),
        });
        process.member.on_offers(ticket, offers.to_vec(), at)
    }

    /// A piece stays with a member that has it, and else goes to the next in turn.
    pub(super) fn divide(
        &mut self,
        place: usize,
        ticket: Ticket,
        election: &Election,
        at: Moment,
    ) -> Vec<Action> {
        let generation = election.generation.to_be_bytes().to_vec();
        let mut written = vec![generation; election.members.len()];
        for piece in 0..PIECES {
            let mut members = election.members.iter();
            let holder = members.position(|member| member.metadata.contains(&piece));
            let in_turn = usize::from(piece) % election.members.len();
            written[holder.unwrap_or(in_turn)].push(piece);
        }
        let members = election.members.iter();
        let assignments = members
            .zip(written)
            .map(|(member, bytes)| (super::Arc::clone(&member.member_id), Bytes::from(bytes)));
        let member = &mut self.processes[place].member;
        member.on_assignments(ticket, assignments.collect(), at)
    }

    fn take_work(&mut self, place: usize, assignment: &Assignment) {
        // A member that joined again without a change in the group gets what it had, and only that.
        let Some((generation, pieces)) = assignment.bytes.split_first_chunk::<4>() else {
            panic!("seed {}: an assignment that no leader wrote", self.seed);
        };
        assert_eq!(
            i32::from_be_bytes(*generation),
            assignment.generation,
            "seed {}: an assignment of another generation",
            self.seed
        );
        let process = &mut self.processes[place];
        assert!(assignment.generation >= process.generation);
        process.generation = assignment.generation;
        process.works_on = pieces.iter().copied().collect();
        self.check_nothing_is_shared_twice();
    }

    /// In one generation a piece has one owner.
    fn check_nothing_is_shared_twice(&self) {
        let mut owners = super::BTreeMap::new();
        for (place, process) in self.processes.iter().enumerate() {
            for piece in &process.works_on {
                let other = owners.insert((process.generation, piece), place);
                assert!(
                    other.is_none(),
                    "seed {}: {piece} has two owners: {}",
                    self.seed,
                    self.state()
                );
            }
        }
    }
}
