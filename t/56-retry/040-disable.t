# jamhook_disable_after: an endpoint that fails for too long is paused, tried
# once an hour, and resumed by a success.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;

my $HOUR = 3_600_000;
my $target = Jamhook::Target->new;
my $patience = 10 * $Jamhook::Env::PATIENCE;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    faults => 1, workers => 2, server => q{
    jamhook_disable_after 400ms;
    jamhook_tolerance 30d;

    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /jam-f { jamhook_pass f; jamhook_verify keys/P1.key; }
    location = /jam-mixed { jamhook_pass mixed; jamhook_verify keys/P1.key; }
    location = /jam-off { jamhook_pass off; jamhook_verify keys/P1.key; }
    location = /jam-fin { jamhook_pass fin; jamhook_verify keys/P1.key; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        jamhook_retry 100ms 100ms 100ms 100ms 100ms 100ms 100ms 100ms 2h;
        proxy_pass http://127.0.0.1:%{target}/e;
    }

    location = /f {
        jamhook_endpoint f;
        jamhook_sign off;
        jamhook_retry 10ms;
        proxy_pass http://127.0.0.1:%{target}/f;
    }

    location = /mixed {
        jamhook_endpoint mixed;
        jamhook_sign off;
        jamhook_retry 700ms;
        jamhook_disable_after 1h;
        proxy_pass http://127.0.0.1:%{target}/mixed;
    }

    location = /off {
        jamhook_endpoint off;
        jamhook_sign off;
        jamhook_retry 50ms 50ms 50ms 50ms 50ms 50ms 50ms 50ms 50ms 50ms;
        jamhook_disable_after off;
        proxy_pass http://127.0.0.1:%{target}/off;
    }

    location /fin {
        jamhook_endpoint fin;
        jamhook_connector intercom_fin;
        jamhook_sign off;
        jamhook_retry 10ms;
        jamhook_disable_after 1ms;
        jamhook_final 404;
        proxy_pass http://127.0.0.1:%{target}/fin;
    }
});

my $store = $nginx->store;
my $serial = 0;

sub post {
    my ($uri) = @_;

    my $n = ++$serial;
    my $answer = $nginx->send(Jamhook::event(
        id => "msg_$n", uri => $uri, body =>
        qq({"id":"evt_$n","type":"intercom.recorder.recorded",)
        . qq("created_at":"2025-09-09T12:00:00Z","data":{"conversationId":)
        . qq("$n","jamId":"j","recording_url":"https://a/b"}})));

    return $answer->{status} == 200 && $answer->{body} =~ /"result":"(\w+)"/
           ? $1 : $answer->{status};
}

sub came {
    my ($name) = @_;

    return grep { $_->{path} =~ m{^/$name\b} } $target->requests;
}

sub came_number { return scalar(my @came = came(@_)) }

sub state_of {
    my ($name) = @_;

    my $row = $store->row('select state, reason from show_endpoints where'
                          . " name = '$name'");

    return $row->{state} . (defined $row->{reason} ? " $row->{reason}" : '');
}

sub failing {
    my ($name) = @_;

    return $store->value('select failing_since from endpoints where'
                         . " name = '$name'");
}

sub becomes {
    my ($name, $state) = @_;

    return $nginx->wait_for(sub { state_of($name) eq $state }, $patience);
}

# An event to an endpoint that is well, through both workers' polls: whatever
# could have been sent has been. A worker polls once a second.
sub polled {
    my $until = time + 2.2;

    $nginx->wait_for(sub { time > $until }, 3);
}

# paused

$target->set('/e 500');
is post('/jam'), 'stored', 'an event for a target that fails';
ok becomes('e', 'paused failing'), 'it is paused when all failed for too long';

my @at = map { $_->{at} } came('e');

cmp_ok scalar(@at), '>=', 2, '... after several attempts';

# from the end of the first to the end of the last
cmp_ok $store->value('select max(started_at + duration)'
                     . ' - min(started_at + duration) from attempts'),
       '>=', 390, '... over that time';
$nginx->wait_log(qr/endpoint "e" is paused/);
is $nginx->logged(qr/\[error\].*endpoint "e" is paused: every attempt failed/),
   1, '... which one error line says';
is_deeply $store->counts('e'), { pending => 1, sending => 0, succeeded => 0,
                                 failed => 0 }, 'its delivery is kept';
is $store->value("select state from show_deliveries where endpoint = 'e'"),
   'paused', '... and shown as paused';

my $sent = @at;

is post('/jam'), 'stored', 'new events are stored' for 1 .. 5;
polled();
is came_number('e'), $sent, 'nothing is tried, though it is due';
is $store->counts('e')->{pending}, 6, '... and all are kept';
is $store->value("select count(*) from show_deliveries where endpoint = 'e'"
                 . " and state = 'paused'"), 6, '... paused';

ok $nginx->reload, 'after a reload';
is post('/jam'), 'stored', '... events are stored';
is state_of('e'), 'paused failing', '... and it is still paused';

# an hour later

$nginx->faults->set(clock => $HOUR - 60_000);
polled();
is came_number('e'), $sent, 'not much less than an hour later: nothing';

$nginx->faults->set(clock => $HOUR + 1000);
ok $nginx->wait_for(sub { came_number('e') > $sent }, $patience),
   'after an hour one is tried';
polled();
is came_number('e'), $sent + 1, '... one alone';
is state_of('e'), 'paused failing', '... that fails: it stays paused';
is $nginx->logged(qr/endpoint "e" is paused/), 1, '... without another line';
is $store->counts('e')->{pending}, 7, '... and all are kept';

$target->set('/e 200');
polled();
is came_number('e'), $sent + 1, 'though it works again, nothing is tried';

$nginx->faults->set(clock => 2 * $HOUR + 2000);
ok $store->wait_until(endpoint => 'e', succeeded => 7, pending => 0,
                      seconds => $patience),
   'after another hour one is tried, and all are delivered';
is state_of('e'), 'active', 'the first success has resumed it';
$nginx->wait_log(qr/endpoint "e" is resumed/);
is $nginx->logged(qr/\[notice\].*endpoint "e" is resumed: an attempt/), 1,
   '... which a line says';
is came_number('e'), $sent + 8, '... each is delivered once';

is post('/jam'), 'stored', 'a new event';
ok $store->wait_until(endpoint => 'e', succeeded => 8, seconds => $patience),
   '... is delivered at once';

# deliveries that have been given up count too

$target->set('/f 500');

my $until = time + $patience;

while (time < $until && state_of('f') eq 'active') {
    is post('/jam-f'), 'stored', 'an event that is soon given up';
    $store->wait_until(endpoint => 'f', sending => 0, seconds => 1);
}

is state_of('f'), 'paused failing',
   'an endpoint whose deliveries are all given up is paused too';
is post('/jam-f'), 'stored', '... and keeps what comes then';
is $store->counts('f')->{pending} > 0, 1, '... as pending';

# a success between

$target->set('/mixed 500 | hold');
is post('/jam-mixed'), 'stored', 'an event for a target that recovers';
ok $nginx->wait_for(sub { failing('mixed') }, $patience),
   '... is failing for now';
$target->set('/mixed 200');
ok $store->wait_until(endpoint => 'mixed', succeeded => 1,
                      seconds => $patience), '... and when it succeeds';
is failing('mixed'), 0, '... no more';
is state_of('mixed'), 'active', '... and is not paused';

# off

$target->set('/off 500');
is post('/jam-off'), 'stored', 'jamhook_disable_after off';
ok $store->wait_until(endpoint => 'off', failed => 1, seconds => $patience),
   '... goes on until the ladder ends';
is came_number('off'), 11, '... with all its tries';
is state_of('off'), 'active', '... and pauses nothing';

# final statuses do not count

$target->set('/fin 404 | 410 | 404 | 410');

for my $n (1 .. 4) {
    is post('/jam-fin'), 'stored', 'an event for a Fin endpoint';
    ok $store->wait_until(endpoint => 'fin', failed => $n,
                          seconds => $patience), '... fails at once';
}

is state_of('fin'), 'active', 'jamhook_final and 410 of Fin do not count';

$target->set('/fin 500');
is post('/jam-fin'), 'stored', 'another failure';
ok becomes('fin', 'paused failing'), '... does';

$nginx->ends_well;
done_testing;
