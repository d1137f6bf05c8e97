# The machine's clock is set: nothing is forgotten, nothing is sent twice at
# once.
#
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use Jamhook::Nginx;
use Endure;

my $HOUR = 3600;
my $target = Jamhook::Target->new;
my $shift = 0;

sub nginx {
    my ($name, $retry, %opt) = @_;

    $shift = 0;

    return Jamhook::Nginx->new(target => $target->port, store => 1, faults => 1,
        name => $name, server => ingest('e')
        . endpoint('e', "jamhook_timeout 10m; jamhook_retry $retry;"), %opt);
}

sub set_clock {
    my ($nginx, $seconds) = @_;

    $shift = $seconds;
    $nginx->faults->set(clock => $seconds * 1000);
}

# so many attempts have failed, and are written down
sub wait_failed {
    my ($nginx, $n) = @_;

    return $nginx->wait_for(sub {
        $nginx->store->value('select count(*) from attempts') == $n
        && $nginx->store->counts->{pending} == $n });
}

# signed by the same clock
sub send_now {
    my ($nginx, $id) = @_;

    return $nginx->send(Jamhook::event(body => '{"a":1}', id => $id,
                                       ts => $shift))->{status};
}

# what comes in is delivered whatever the clock says: the machine's, on which
# PostgreSQL runs too, or that of nginx's machine alone; by a clock that runs ahead
# of it by longer than the usual retention it would go soon after

my @cases = map { [$_, 1] } -1000, -1, 1, 1000;

push @cases, map { [$_->[0], 0] } @cases if $Jamhook::Env::STORE eq 'pgsql';

for my $case (@cases) {
    my ($hours, $both) = @$case;

    $target->set('503 | 200');
    my $nginx = nginx("new$hours-$both", '200ms 200ms',
                      pg => { faults => $both },
                      http => 'jamhook_retention 90d;');

    is send_now($nginx, 'before'), 200, "an event before the clock is set";
    ok $nginx->store->idle, '... is delivered';
    set_clock($nginx, $hours * $HOUR);
    ok $nginx->wait_for(sub { send_now($nginx, 'after') == 200 }),
       "... one after it is set by $hours hours";
    ok $nginx->store->wait_until(succeeded => 2), '... too';
    $target->set('503 | 200');
    is send_now($nginx, 'again'), 200, '... and one that needs two tries';
    ok $nginx->store->wait_until(succeeded => 3), '... likewise';
    set_clock($nginx, 0);
    ok $nginx->wait_for(sub { send_now($nginx, 'back') == 200 }),
       '... and one after it is set right again';
    ok $nginx->store->wait_until(succeeded => 4), '... too';
    $nginx->ends_well;
}

# what waits for its next try

{
    $target->set('503');
    my $nginx = nginx('back', '6s 6s 6s');

    my $before = $target->requests;
    is send_now($nginx, $_), 200, 'an event' for ids('b', 1 .. 3);
    ok wait_failed($nginx, 3), '... waits for its next try';

    # further back than any delay: such a wait cannot be meant
    set_clock($nginx, -12 * $HOUR);
    $target->set('200');
    ok $nginx->store->wait_until(succeeded => 3,
           seconds => 10 + 5 * $Jamhook::Env::PATIENCE),
       '... which is made although the clock is set back'
       or diag explain [$nginx->store->rows('select * from show_deliveries')];
    is $target->requests - $before, 6, '... once';
    $nginx->ends_well;
}

{
    $target->set('503');
    my $nginx = nginx('restart', '6s 6s 6s');

    send_now($nginx, $_) for ids('r', 1 .. 3);
    ok wait_failed($nginx, 3),
       'deliveries wait for their next try';
    $nginx->stop;
    set_clock($nginx, -12 * $HOUR);
    $target->set('200');
    $nginx->start;
    ok $nginx->store->wait_until(succeeded => 3,
           seconds => 10 + 5 * $Jamhook::Env::PATIENCE),
       '... which is made by an nginx that starts with an earlier time';
    $nginx->ends_well;
}

{
    $target->set('503');
    my $nginx = nginx('ahead', '30m');

    send_now($nginx, $_) for ids('h', 1 .. 3);
    ok wait_failed($nginx, 3),
       'deliveries wait for half an hour';
    set_clock($nginx, $HOUR);
    $target->set('200');
    ok $nginx->store->wait_until(succeeded => 3),
       '... which is over when the clock is set forward by an hour';
    $nginx->ends_well;
}

# What is under way. With PostgreSQL leases go by the server's clock, which is not
# set here.

for my $hours (1, -1, 100, -100) {
    $target->set('hold');
    my $nginx = nginx("way$hours", '100ms', workers => 2,
                      pg => { faults => 0 });
    my $before = $target->requests;

    send_now($nginx, $_) for ids('w', 1 .. 4);
    $target->wait($before + 4);
    is $nginx->store->counts->{sending}, 4, 'deliveries are under way';
    set_clock($nginx, $hours * $HOUR);

    # two looks of each worker at what is over
    $nginx->wait_for(sub { $target->requests > $before + 4 }, 2.2);
    is $target->requests - $before, 4,
       "... when the clock is set by $hours hours none is sent a second time";
    $target->set('200');
    ok $nginx->store->wait_until(succeeded => 4, seconds =>
                                 10 * $Jamhook::Env::PATIENCE),
       '... and they succeed';
    is $target->requests - $before, 4, '... with one attempt each';
    is $nginx->store->value('select count(*) from attempts'
                            . ' where duration > 600000 or duration < 0'), 0,
       '... of a duration that can be';
    $nginx->ends_well;
}

# retention by a clock that jumps

{
    $target->set('200');
    my $nginx = nginx('retention', '100ms', http => 'jamhook_retention 1h;');

    send_now($nginx, 'kept');
    ok $nginx->store->idle, 'an event is delivered';
    set_clock($nginx, -$HOUR / 2);
    ok $nginx->wait_for(sub { send_now($nginx, 'earlier') == 200 }),
       '... and one before it, by the clock';
    ok $nginx->store->idle, '... too';
    is $nginx->store->value('select count(*) from events'), 2,
       '... both are kept';
    $nginx->ends_well;
}

done_testing;
