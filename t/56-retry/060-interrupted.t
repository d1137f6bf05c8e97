# A worker ends while a target has an event: what becomes of the delivery.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time sleep);
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

# A lease lasts five seconds more than the timeout. With SQLite, where it is seen
# whether its owner lives, nobody waits that long.
my $timeout = $Jamhook::Env::STORE eq 'pgsql' ? 2 : 600;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 2, main => 'worker_shutdown_timeout 300ms;',
    timeout => $timeout, server => q{
    jamhook_timeout %{timeout}s;
    jamhook_retry 30s;

    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /jam-killer { jamhook_pass killer; jamhook_verify keys/P1.key; }
    location = /jam-off { jamhook_pass off; jamhook_verify keys/P1.key; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_set_header X-Attempt $jamhook_attempt;
        proxy_set_header X-Id $jamhook_id;
        proxy_pass http://127.0.0.1:%{target}/e;
    }

    location = /killer {
        jamhook_endpoint killer;
        jamhook_sign off;
        jamhook_retry 300ms 300ms;
        proxy_set_header X-Id $jamhook_id;
        proxy_pass http://127.0.0.1:%{target}/killer;
    }

    location = /off {
        jamhook_endpoint off;
        jamhook_sign off;
        jamhook_retry off;
        proxy_set_header X-Id $jamhook_id;
        proxy_pass http://127.0.0.1:%{target}/off;
    }
});

my $store = $nginx->store;
my $patience = 10 * $Jamhook::Env::PATIENCE + $store->takeover($timeout);

sub post {
    my ($uri, $id) = @_;

    return $nginx->send(Jamhook::event(id => $id, uri => $uri,
                                       body => '{"a":1}'))->{status};
}

sub came {
    my ($name) = @_;

    return grep { $_->{path} eq "/$name" } $target->requests;
}

# when the n-th came; undef: it did not
sub wait_came {
    my ($name, $n) = @_;

    my @came;

    $nginx->wait_for(sub { @came = came($name); @came >= $n }, $patience);

    return $came[$n - 1] ? $came[$n - 1]{at} : undef;
}

# "1 interrupted, 2 succeeded"
sub attempts {
    my ($id) = @_;

    return join ', ', map { "$_->{number} $_->{result}" }
           $store->rows("select * from show_attempts where id = '$id'"
                        . ' order by seq');
}

# the worker that sends an event
sub sender {
    my ($id) = @_;

    my @sent = grep { Jamhook::Target::header($_, 'X-Id') eq $id }
               $target->requests;

    return $nginx->sender($sent[-1]);
}

sub succeeds {
    my ($id) = @_;

    return $nginx->wait_for(sub {
        ($store->value("select state from show_deliveries where id = '$id'")
         || '') eq 'succeeded';
    }, $patience);
}

# killed

$target->set('/e hang | 200');
is post('/jam', 'msg_killed'), 200, 'an event whose target hangs';
my $first = wait_came('e', 1);
my $pid = sender('msg_killed');
ok $pid, '... is being sent by a worker';

my $killed = time;
$nginx->kill_worker($pid);
my $second = wait_came('e', 2);

ok $second, 'that worker is killed: another attempt follows';
cmp_ok $second - $killed, '<', $patience, '... soon';
ok succeeds('msg_killed'), '... and succeeds';
is attempts('msg_killed'), '1 interrupted, 2 succeeded',
   'the first attempt is recorded as interrupted';
is join(' ', map { scalar Jamhook::Target::header($_, 'X-Attempt') }
             came('e')), '1 2', '$jamhook_attempt counts it';
is scalar(keys %{{ map { scalar Jamhook::Target::header($_, 'Idempotency-Key')
                         => 1 } came('e') }}), 1,
   'the Idempotency-Key stays';

my $row = $store->row('select * from attempts where number = 1');
is_deeply { map { $_ => $row->{$_} } qw(status error response_headers) },
          { status => 0, error => undef, response_headers => undef },
          '... without a response';
cmp_ok abs($row->{started_at} / 1000 - $first), '<', $patience,
       '... when it was begun';
is $nginx->logged(qr/\[warn\].*attempt 1 was interrupted, its lease is over/),
   1, '... and a warning says so';

# as often as twice it takes nothing from the ladder

$target->set('/off hang | hang | 200');
is post('/jam-off', 'msg_off'), 200, 'an endpoint without a ladder';

for my $n (1, 2) {
    wait_came('off', $n);
    $nginx->kill_worker(sender('msg_off'));
}

ok succeeds('msg_off'), '... gets an event after two that were interrupted';
is attempts('msg_off'), '1 interrupted, 2 interrupted, 3 succeeded',
   '... at the third';

# an event that kills

$target->set('/killer hang');
is post('/jam-killer', 'msg_killer'), 200,
   'an event that kills each worker that sends it';

my $n = 0;
my $until = time + 6 * $patience;

while (time < $until && !$store->counts('killer')->{failed}) {
    my @came = came('killer');

    if (@came > $n) {
        $n = @came;
        $nginx->kill_worker(sender('msg_killer'));
    }

    sleep 0.02;
}

is_deeply $store->counts('killer'), { pending => 0, sending => 0,
                                      succeeded => 0, failed => 1 },
          '... fails in the end';
is attempts('msg_killer'), join(', ', map { "$_ interrupted" } 1 .. 5),
   '... with two attempts more than the ladder gives';
is $n, 5, '... each of which the target saw';

my @at = map { $_->{at} } came('killer');
cmp_ok $at[3] - $at[2], '>=', 0.23, 'from the third on the ladder counts';
cmp_ok $at[4] - $at[3], '>=', 0.23, '... at each';
$nginx->wait_log(qr/given up after .*endpoint: "killer"/);
is $nginx->logged(qr/\[error\].*given up after attempt 5, endpoint: "killer"/),
   1, 'an error says so';

$target->set('200');
is post('/jam-killer', 'msg_next'), 200, 'the next event';
ok succeeds('msg_next'), '... is delivered';

# many at once

$target->set('/e hang');
is post('/jam', "msg_many_$_"), 200, 'an event' for 1 .. 10;
ok wait_came('e', 12), '... of ten that are under way';
$target->set('/e 200');

my %pids = map { sender("msg_many_$_") => 1 } 1 .. 10;
$nginx->kill_worker($_) for keys %pids;

ok $store->wait_until(endpoint => 'e', succeeded => 11, pending => 0,
                      seconds => $patience),
   'their workers are killed: all are delivered';
is $store->value("select count(*) from show_attempts where id like 'msg_many%'"
                 . " and result = 'interrupted'"), 10,
   '... and each first attempt was interrupted';
is scalar(my @e = came('e')), 22, '... and each is sent twice';

# all processes at once

$target->set('/e hang | 200');
is post('/jam', 'msg_down'), 200, 'an event that is under way';
wait_came('e', 23);
$nginx->kill_all;
is $store->value("select state from show_deliveries where id = 'msg_down'"),
   'sending', '... when all processes are killed';
$nginx->start;
ok succeeds('msg_down'), 'after a start it is sent again soon';
is attempts('msg_down'), '1 interrupted, 2 succeeded', '... and recorded';

# TERM

$target->set('/e hang | 200');
is post('/jam', 'msg_term'), 200, 'an event that is under way';
wait_came('e', 25);
ok $nginx->stop('TERM'), '... when nginx is told to end at once';
$nginx->start;
ok succeeds('msg_term'), 'after a start it is sent again soon';
is attempts('msg_term'), '1 interrupted, 2 succeeded', '... and recorded';

# a worker that is told to quit ends what it has begun

$nginx->reload(main => '');
$target->set('/e delay=600ms');
is post('/jam', 'msg_reload'), 200, 'an event that is under way';
wait_came('e', 27);
$pid = sender('msg_reload');
ok $nginx->reload, '... while nginx is reloaded';
ok succeeds('msg_reload'), '... succeeds';
is attempts('msg_reload'), '1 succeeded', '... at the first attempt';
ok $nginx->wait_for(sub { !Jamhook::Env::is_running($pid) }, $patience),
   'the worker that had it is gone';

# worker_shutdown_timeout

$nginx->reload(main => 'worker_shutdown_timeout 300ms;');
$target->set('/e hang | 200');
is post('/jam', 'msg_timeout'), 200, 'an event whose target hangs';
wait_came('e', 28);
$pid = sender('msg_timeout');
ok $nginx->reload, '... while nginx is reloaded';
ok succeeds('msg_timeout'),
   'worker_shutdown_timeout ends the attempt, and the next one succeeds';
is attempts('msg_timeout'), '1 interrupted, 2 succeeded',
   '... and the first is recorded as interrupted';
ok $nginx->wait_for(sub { !Jamhook::Env::is_running($pid) }, $patience),
   'the worker that had it is gone';
is $nginx->logged('jamhook: worker_shutdown_timeout ends 1 deliveries'), 1,
   '... and said so';

is $store->check, 'ok', 'the database is sound';
is_deeply [$store->rows('select * from deliveries where state in (0, 1)')], [],
          'nothing is left';

$nginx->ends_well(expected => ['exited on signal 9']);
done_testing;
