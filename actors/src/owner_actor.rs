//! What makes a type the actor of one owner, written once for all five.

/// Makes `$actor` the actor of `$owner`: it is supervised under that name, drops its memory when it
/// is restarted, and drops what a command staged when the sequencer says so.
///
/// The type has a field `stats: ActorStats` and a method `roll_back(&mut self, Rollback)`.
macro_rules! owner_actor {
    ($actor:ident, $owner:expr) => {
        impl actix::Actor for $actor {
            type Context = actix::Context<Self>;
        }

        impl actix::Supervised for $actor {
            fn restarting(&mut self, _: &mut Self::Context) {
                self.roll_back($crate::states::Rollback::All);
            }
        }

        impl $crate::supervisor::Monitored for $actor {
            const OWNER: $crate::owner::Owner = $owner;

            fn stats(&self) -> &$crate::supervisor::ActorStats {
                &self.stats
            }
        }

        impl actix::Handler<$crate::states::Rollback> for $actor {
            type Result = ();

            fn handle(&mut self, rollback: $crate::states::Rollback, _: &mut Self::Context) {
                self.roll_back(rollback);
            }
        }
    };
}

/// Has `$actor` reply to each `$message` with what its `$method` returns, and count the message.
macro_rules! replies {
    ($actor:ident: $($message:ty => $method:ident,)*) => {$(
        impl actix::Handler<$message> for $actor {
            type Result = <$message as actix::Message>::Result;

            fn handle(&mut self, message: $message, _: &mut Self::Context) -> Self::Result {
                self.stats.handled();
                self.$method(message)
            }
        }
    )*};
}

pub(crate) use owner_actor;
pub(crate) use replies;
