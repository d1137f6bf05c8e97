# The hard ways to end: worker_shutdown_timeout, TERM, KILL.

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

my $server = q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        jamhook_timeout 60s;
        jamhook_max_active 2;
        proxy_pass http://127.0.0.1:%{target};
    }
};

my $nginx = Jamhook::Nginx->new(target => $target->port, server => $server,
    main => 'worker_shutdown_timeout 8s;');

sub begin {
    my ($n) = @_;
    return map {
        my $s = $nginx->connect;
        print $s Jamhook::event(body => '{"a":1}');
        $s->flush;
        $s;
    } 1 .. $n;
}

# the status of an answer; a client that stays would keep a worker that ends
sub status {
    my ($s) = @_;
    my $status = $nginx->read($s)->{status};
    close $s;
    return $status;
}

sub gone {
    my ($pid) = @_;
    return $nginx->wait_for(sub { !Jamhook::Env::is_running($pid) });
}

my $notice = 'jamhook: worker_shutdown_timeout ends';

# what ends in time is not disturbed

$target->set('delay=200ms');
my ($old) = $nginx->workers;
my @clients = begin(2);
$target->wait(2);
$nginx->reload(main => 'worker_shutdown_timeout 500ms;');
is join(' ', map { status($_) } @clients), '200 200',
   'deliveries that end before worker_shutdown_timeout';
ok gone($old), 'the worker ends';
is $nginx->logged($notice), 0, 'nothing to tell';

# what hangs is ended, with what waits behind it

$target->set('hang');
($old) = $nginx->workers;
@clients = begin(5);
$target->wait(4);
$nginx->taken;

my $time = time;
$nginx->reload;
ok gone($old), 'the worker ends in spite of a target that hangs';
cmp_ok time - $time, '<', 5 * $Jamhook::Env::PATIENCE, '... soon';
is $nginx->logged($notice), 1, 'one line tells it';
like +(grep { /\Q$notice\E/ } $nginx->log)[0], qr/\[notice\].* [1-9]\d* deliveries/,
     'a notice with their number';
is scalar $target->requests, 4, 'what waited was not sent any more';
is_deeply [grep { $_ == 200 } map { status($_) } @clients], [],
   'no client was told that it was delivered';

# clients that have left

$target->set('hang');
($old) = $nginx->workers;
@clients = begin(3);
$target->wait(6);
$nginx->taken;
close $_ for @clients;
$nginx->reload;
ok gone($old), 'the same with clients that left';
is $nginx->logged($notice), 2, 'one more line';

# an idle worker has nothing to tell

($old) = $nginx->workers;
$nginx->reload;
ok gone($old), 'an idle worker';
is $nginx->logged($notice), 2, 'says nothing';

# a client that lingers is none of jamhook's

($old) = $nginx->workers;
$target->set('200');
my ($idle) = begin(1);
is $nginx->read($idle)->{status}, 200, 'a client that stays';
$nginx->reload;
ok gone($old), '... is left by the worker';
is $nginx->logged($notice), 2, '... and nothing was ended';
close $idle;
$target->set('hang');

# QUIT

@clients = begin(3);
$target->wait(9);
$nginx->taken;
my $pid = $nginx->pid;
my $before = $nginx->logged($notice);
$nginx->signal('QUIT');
ok gone($pid), 'QUIT ends, too';
is $nginx->logged($notice), $before + 1, 'with its line';

# TERM

$nginx->start;
@clients = begin(3);
$target->wait(11);
$nginx->taken;
$pid = $nginx->pid;
$time = time;
$nginx->signal('TERM');
ok gone($pid), 'TERM ends it';
cmp_ok time - $time, '<', 4 * $Jamhook::Env::PATIENCE, '... at once';

# a worker that is killed

$nginx->start;
@clients = begin(3);
$target->wait(13);
$nginx->taken;
($old) = $nginx->workers;
$nginx->signal('KILL', $old);
ok $nginx->wait_log('~ exited on signal 9'), 'a worker is killed';
ok $nginx->wait_for(sub { $nginx->workers == 1
                          && ($nginx->workers)[0] != $old }), 'another comes';

$target->set('200');
is $nginx->send(Jamhook::event(body => '{}'))->{status}, 200, 'and delivers';

$nginx->ends_well(expected => ['~ worker process \d+ exited on signal 9']);
done_testing;
