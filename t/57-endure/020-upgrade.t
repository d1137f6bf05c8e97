# A new nginx beside the old one on the same store, and back: nothing is lost,
# nothing is sent twice at once.
#
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;

# those that fail first come from either nginx when they are due again, and none
# is given up, however long it takes
my $rules = '/e ' . join(' | ', map { $_ % 3 ? '500 delay=150ms'
                                      : '200 delay=150ms' } 1 .. 2999);
my $target = Jamhook::Target->new("$rules\n/hang hold");
my $retry = 'jamhook_retry ' . join(' ', ('100ms') x 60) . ';';
my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 2, server => ingest('e') . endpoint('e', $retry)
    . ingest('hang', '/hanging')
    . endpoint('hang', 'jamhook_timeout 10m; jamhook_retry 100ms;'));

sub pid_of {
    my ($file) = @_;
    return (Jamhook::Env::slurp($nginx->dir . "/$file") =~ /^(\d+)/)[0];
}

# the workers of a master
sub workers {
    my ($pid, @all) = @_;
    local $nginx->{pid} = $pid;
    return $nginx->workers(@all);
}

my $sender = Endure->new($nginx, 'u');
$sender->wait(10);

# one under way in a worker of the old nginx that will not end soon

is $nginx->send(Jamhook::event(body => '{}', id => 'hang',
                               uri => '/hanging'))->{status}, 200,
   'an event for a target that hangs is stored';
ok $nginx->wait_for(sub {
       grep { $_->{path} eq '/hang' } $target->requests }), '... and sent';

my $old = $nginx->pid;
my @old = $nginx->workers;
$nginx->signal('USR2');

ok $nginx->wait_for(sub {
       my $pid = pid_of('nginx.pid');
       $pid && $pid != $old && workers($pid) == 2;
   }, 10 * $Jamhook::Env::PATIENCE), 'USR2 starts another nginx';

my $new = pid_of('nginx.pid');
my @new = workers($new);

is scalar(workers($old)), 2, '... beside the old one';

# both take events, and both look for what is due

my $before = keys %{ $sender->sent };
$sender->wait($before + 40, 20 * $Jamhook::Env::PATIENCE);

ok $nginx->wait_for(sub { $nginx->store->users == 4 }),
   'four workers use the store';

# who sent: the workers that tell of an attempt's end
ok $nginx->wait_for(sub {
       my %told = map { /\] (\d+)#.*jamhook deliver(?:ed|y)/ ? ($1 => 1) : () }
                  $nginx->log;
       grep { $told{$_} } @new;
   }, 10 * $Jamhook::Env::PATIENCE), '... new ones send';

# back: the old nginx takes over again

kill 'WINCH', $old;
ok $nginx->wait_for(sub { !workers($old) }), 'WINCH ends the old workers';
ok $nginx->wait_for(sub {
       1 == grep { Jamhook::Env::is_running($_) } @old }),
   '... but for the one with an attempt under way';
is scalar(grep { $_->{path} eq '/hang' } $target->requests), 1,
   '... which is not taken over from it';

# it fails, and is tried again, by whom it may be
my $released = time;
$target->set("$rules\n/hang 500 | 200");
ok $nginx->wait_for(sub {
       2 == grep { $_->{path} eq '/hang' } $target->requests }),
   '... until it has failed';
cmp_ok((grep { $_->{path} eq '/hang' } $target->requests)[1]{at}, '>=',
       $released, '... not before');

kill 'HUP', $old;
ok $nginx->wait_for(sub { workers($old) == 2 }),
   'HUP brings workers of the old one back';
kill 'QUIT', $new;
ok gone($new, @new), 'QUIT ends the new one';
ok $nginx->wait_for(sub { (pid_of('nginx.pid') || 0) == $old }),
   '... and the pid file is the old one\'s';

$before = keys %{ $sender->sent };
ok $sender->wait($before + 20), '... which goes on taking events';

# and for good

ok $nginx->upgrade, 'USR2 and QUIT replace the old one';
$before = keys %{ $sender->sent };
ok $sender->wait($before + 20), '... and events go on';

my $sent = $sender->stop;
my $stored = grep { $_ == 200 } values %$sent;

$target->set('200');
ok $nginx->store->idle(10 * $Jamhook::Env::PATIENCE),
   'all deliveries come to their end';
is $nginx->store->counts->{succeeded}, $stored + 1, '... and succeed';
is scalar(keys %{ arrived($target) }), $stored + 1, '... each arrived';
is_deeply [overlaps(100, $target->requests)], [],
          '... none was sent twice at once';
is scalar(grep { $_->{path} eq '/hang' } $target->requests), 2,
   '... nor what hung';
is $nginx->store->value('select count(*) from attempts where result = 2'), 0,
   '... none was interrupted';
is scalar $target->requests,
   $nginx->store->value('select count(*) from attempts'),
   '... what came is what is written down';
is $nginx->store->check, 'ok', '... and the store is whole';
ok gone($old, @old), 'the old nginx is gone';
$nginx->ends_well;

done_testing;
