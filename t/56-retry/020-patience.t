# What a target asks for with 429, 503 and a timeout: time.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use POSIX ();
use Time::HiRes qw(time);
use Jamhook::Nginx;

my $target = Jamhook::Target->new;
my $patience = 10 * $Jamhook::Env::PATIENCE;

# an endpoint for each case, so that none holds another
my @names = qw(seconds busy reset date longer past none huge floor slow ladder
               hold beside final off minute wait);

my %retry = (floor => '20ms 20ms 1500ms', slow => '20ms 20ms 1500ms',
             minute => '5s 2h', wait => '5s 2h', ladder => '2s',
             hold => '20ms 20ms', final => '20ms',
             off => 'off');
my %more = (wait => 'jamhook_timeout 100ms;',
            slow => 'jamhook_timeout 100ms;', final => 'jamhook_final 503;');

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 2, server => join '', map {
        my $retry = $retry{$_} || '20ms';
        my $more = $more{$_} || '';
        qq{
            location = /in-$_ { jamhook_pass $_; jamhook_verify keys/P1.key; }
            location = /$_ {
                jamhook_endpoint $_;
                jamhook_sign off;
                jamhook_retry $retry;
                $more
                proxy_pass http://127.0.0.1:%{target}/$_;
            }
        };
    } @names);

my $store = $nginx->store;
my $serial = 0;

sub post {
    my ($name) = @_;

    return $nginx->send(Jamhook::event(id => "msg_$name" . ++$serial,
                                       uri => "/in-$name", body => '{"a":1}'))
                 ->{status};
}

sub came {
    my ($name) = @_;

    return grep { $_->{path} eq "/$name" } $target->requests;
}

sub wait_came {
    my ($name, $n) = @_;

    $nginx->wait_for(sub { my @came = came($name); @came >= $n },
                     2 * $patience);

    return map { $_->{at} } came($name);
}

# by the store's clock: ms from the end of the last attempt to the next
sub waits {
    my ($name) = @_;

    my $row;

    $nginx->wait_for(sub {
        $row = $store->row('select d.next_at - d.changed_at as wait,'
                           . ' d.next_at from deliveries d join endpoints p'
                           . ' on p.id = d.endpoint where d.state = 0'
                           . " and p.name = '$name'");
    }, $patience);

    return $row || { wait => -1, next_at => 0 };
}

sub date {
    my ($at) = @_;

    return POSIX::strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $at);
}

my $now = time;

$target->set(join "\n",
    '/seconds 429 "Retry-After: 2" | 200',
    '/busy 503 "Retry-After: 2" | 200',
    '/reset 429 "X-RateLimit-Reset: ' . int($now + 1000) . '"',
    '/date 503 "Retry-After: ' . date($now + 1000) . '"',
    '/longer 429 "Retry-After: 500" "X-RateLimit-Reset: '
        . int($now + 2000) . '"',
    '/past 503 "Retry-After: ' . date($now - 1000) . '" | 200',
    '/none 500 "Retry-After: 1000" | 200',
    '/huge 503 "Retry-After: 99999999999"',
    '/minute 429',
    '/wait hang',
    '/floor 429 | 200',
    '/slow hang | 200',
    '/ladder 503 "Retry-After: 1" | 200',
    '/hold 503 "Retry-After: 6" | 200',
    '/beside 200',
    '/final 503 "Retry-After: 2" | 200',
    '/off 429 "Retry-After: 2" | 200');

is post($_), 200, "an event: $_"
    for grep { !/^(?:hold|beside|final|off)$/ } @names;

# how long

for my $case (['seconds', '429'], ['busy', '503']) {
    my ($name, $status) = @$case;
    my @at = wait_came($name, 2);

    is scalar(@at), 2, "a $status with Retry-After is tried again";
    cmp_ok $at[1] - $at[0], '>=', 1.95, '... no earlier than that';
    cmp_ok $at[1] - $at[0], '<', 2.25 + 4 * $Jamhook::Env::PATIENCE,
           '... nor much later than 10 % more';
}

for my $case (
    ['reset', 1000, 'X-RateLimit-Reset'],
    ['date', 1000, 'a Retry-After that is a date'],
    ['longer', 2000, 'the later one of both'],
    ['huge', 36000, 'what is asked for, but at most ten hours'],
) {
    my ($name, $seconds, $what) = @$case;
    my $wait = waits($name)->{wait} / 1000;

    # a whole second either way is the header's own
    cmp_ok $wait, '>=', $seconds - 5 - 5 * $Jamhook::Env::PATIENCE,
           "$what is waited for";
    cmp_ok $wait, '<=', $seconds * 1.1 + 2, '... and at most 10 % more';
    is scalar(my @once = came($name)), 1, '... not a try before';
}

for my $case (['past', 'a date that has passed'],
              ['none', 'Retry-After of another status'])
{
    my ($name, $what) = @$case;
    my @at = wait_came($name, 2);

    is scalar(@at), 2, "$what is no wait";
    cmp_ok $at[1] - $at[0], '<', $patience, '... the ladder counts';
}

my @at = wait_came('ladder', 2);
is scalar(@at), 2, 'a ladder that is slower than Retry-After';
cmp_ok $at[1] - $at[0], '>=', 1.59, '... counts';

# without a word how long: the ladder's longest delay, below 60 s

for my $case (['floor', 'a 429 without Retry-After', 1.5],
              ['slow', 'a timeout', 1.6])
{
    my ($name, $what, $seconds) = @$case;
    my @at = wait_came($name, 2);

    is scalar(@at), 2, "$what is tried again";
    cmp_ok $at[1] - $at[0], '>=', $seconds - 0.05,
           "... not before the ladder's longest delay";
    cmp_ok $at[1] - $at[0], '<', $seconds + 4 * $Jamhook::Env::PATIENCE,
           '... but then';
}

for my $case (['minute', 'a 429 without Retry-After'], ['wait', 'a timeout']) {
    my ($name, $what) = @$case;
    my $wait = waits($name)->{wait};

    cmp_ok $wait, '>=', 60_000, "$what is waited after for a minute";
    cmp_ok $wait, '<', 61_000, '... not for the longest delay';
}

ok $store->wait_until(pending => 6, sending => 0, failed => 0,
                      seconds => $patience),
   'those that are to wait for minutes are pending, the others succeeded';

# the endpoint is held

is post('hold'), 200, 'an event whose target asks for six seconds';
my ($first) = wait_came('hold', 1);
ok $nginx->wait_for(sub { waits('hold')->{wait} > 0 }, $patience),
   '... which is written down';

is post('hold'), 200, 'others to the same endpoint' for 1 .. 6;
is post('beside'), 200, '... and to another one' for 1 .. 6;

my @beside = wait_came('beside', 6);
is scalar(@beside), 6, 'the other endpoint gets its own at once';
cmp_ok $beside[-1] - $first, '<', 6, '... not when the time is over'
    unless $Jamhook::Env::UNDER;

my @hold = wait_came('hold', 8);
is scalar(@hold), 8, 'the held one gets all that waited';
cmp_ok $hold[1] - $hold[0], '>=', 5.95, '... none of them before the time';
ok $store->wait_until(endpoint => 'hold', succeeded => 7,
                      seconds => $patience), '... and each succeeds';
is $store->value("select max(attempts) from show_deliveries where"
                 . " endpoint = 'hold'"), 2,
   'a wait is no attempt';

for my $case (['final', 'jamhook_final'], ['off', 'jamhook_retry off']) {
    my ($name, $what) = @$case;

    is post($name), 200, "$what";
    ok $store->wait_until(endpoint => $name, failed => 1,
                          seconds => $patience), '... fails at once';
    is post($name), 200, '... and another event';
    my @two = wait_came($name, 2);
    is scalar(@two), 2, '... comes';
    cmp_ok $two[1] - $two[0], '>=', 1.95, '... after the time asked for';
}

# not longer than a minute at a time: the next one may go then

is post('huge'), 200, 'an event to an endpoint that asked for ten hours';
is $store->counts('huge')->{pending}, 2, '... waits';
cmp_ok $store->value("select min(next_at) from deliveries d join endpoints p"
                     . " on p.id = d.endpoint where p.name = 'huge'")
       / 1000, '<', time + 61, '... and is due itself, once it may';

$nginx->ends_well;
done_testing;
