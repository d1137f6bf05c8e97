# A commit that the standby has not confirmed is no commit: not while the server
# waits for it, nor when the server is told to wait no longer and says so in a
# warning alone.
#
# stores: pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;

my $target = Jamhook::Target->new;
my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1, pg => {},
    name => 'standby', server => ingest('e') . endpoint('e', 'jamhook_timeout 1s;'));
my $pg = $nginx->pg;
my $waiting = q{select pid from pg_stat_activity where wait_event = 'SyncRep'
                and application_name = 'jamhook'};

is +(put($nginx, 'before'))[0], 200, 'all is well before';
ok $nginx->store->idle, '... delivered';

# a role may be set to see no warnings: its next sessions

$pg->do('postgres', "alter role jamhook set client_min_messages = 'error'");
ok $nginx->reload, 'a new worker comes';
ok $nginx->wait_for(sub { $nginx->store->users == 1 }), '... alone';
is +(put($nginx, 'again'))[0], 200, '... and all is well';
ok $nginx->store->idle, '... delivered';

# a standby that is never there

$pg->set(synchronous_standby_names => 'nobody');

my $client = begin($nginx, 'waits');
ok $nginx->wait_for(sub { $pg->value('postgres', $waiting) }),
   'the commit waits for the standby';

my $pid = $pg->value('postgres', $waiting);
ok $pg->value('postgres', "select pg_cancel_backend($pid)"),
   '... and is told not to';

my $answer = $nginx->read($client);
ok is_problem($answer), 'that is no acknowledgement' or diag explain $answer;
ok $nginx->wait_log(qr/\[crit\].*did not wait for its standby/),
   '... the log says why';

is $pg->value($nginx->store->name,
              "select count(*) from jamhook.events where id = 'waits'"), 1,
   '... though it is there';

# nor is it one while it lasts

ok $nginx->wait_for(sub {
    is_problem($nginx->send(Jamhook::event(body => '{"a":1}', id => 'later')))
}), 'events are refused';

$pg->set(synchronous_standby_names => '');

ok $nginx->wait_for(sub { (put($nginx, 'waits'))[0] == 200 }, 20),
   'with the standby back the repeat is taken';
ok $nginx->wait_for(sub { (put($nginx, 'later'))[0] == 200 }, 20),
   '... and what was refused';
ok $nginx->wait_log(qr/\[notice\].*works again/), '... the log says so';

# what was claimed by a transaction that nobody believed in waits for its lease

ok $nginx->store->idle($nginx->store->takeover(1) + 10),
   '... and all is delivered';

my $arrived = arrived($target);
is_deeply [values %$arrived], [1, 1, 1, 1], '... to the target, once each'
    or diag explain $arrived;
is $nginx->store->check, 'ok', '... from a store that is whole';

$nginx->ends_well(expected => [qr/\[crit\].*jamhook store/,
                               qr/lease is over/]);

done_testing;
