# Many deliveries wait: those of one endpoint hold up no other, old ones no new
# ones, and no more are under way at once than may be.
#
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;

# the largest number that came within so many seconds
sub at_once {
    my ($seconds, @requests) = @_;

    my @at = sort { $a <=> $b } map { $_->{at} } @requests;
    my ($first, $max) = (0, 0);

    for my $i (0 .. $#at) {
        $first++ while $at[$first] < $at[$i] - $seconds;
        $max = $i - $first + 1 if $i - $first + 1 > $max;
    }

    return $max;
}

sub to {
    my ($nginx, $where, @ids) = @_;

    return map { $nginx->send(Jamhook::event(body => '{"a":1}', id => $_,
                                             uri => $where))->{status} } @ids;
}

# the longest that events to /jam took to arrive at /e, one after the other
sub slowest {
    my ($nginx, $target, @ids) = @_;

    my $slowest = 0;

    for my $id (@ids) {
        my $time = time;

        return "$id was not stored" if (to($nginx, '/jam', $id))[0] != 200;

        Jamhook::Env::wait_for(sub {
            grep { my $r = $_; $r->{path} eq '/e'
                   && grep { lc $_->[0] eq 'x-id' && $_->[1] eq $id }
                           @{ $r->{headers} } } $target->requests
        }) or return "$id did not arrive";

        my $took = time - $time;
        $slowest = $took if $took > $slowest;
    }

    return $slowest;
}

# what a killed worker had is gone on with when its lease is over, or before
my $timeout = $Jamhook::Env::STORE eq 'pgsql' ? 20 : 600;

my $id = 'proxy_set_header X-Id $jamhook_id;';

# what a busy machine takes for an event that waits for no other
my $soon = 2 + $Jamhook::Env::PATIENCE;

# an endpoint that hangs, with many behind it

for my $connections (256, 64) {
    my $target = Jamhook::Target->new("/h hang\n/e 200");
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        connections => $connections, name => "hangs$connections",
        server => ingest('e') . ingest('h', '/hang-in')
        . ingest('h e', '/both')
        . endpoint('h', "jamhook_timeout ${timeout}s;")
        . endpoint('e', "jamhook_timeout 10s; $id"));

    is scalar(grep { $_ == 200 } to($nginx, '/hang-in', ids('h', 1 .. 300))),
       300, "$connections connections: 300 events for an endpoint that hangs";
    ok $nginx->wait_for(sub {
           my $n = $nginx->store->counts('h');
           $n->{sending} >= 1 && $n->{pending} + $n->{sending} == 300 }),
       '... most of which wait';

    my $slowest = slowest($nginx, $target, ids('e', 1 .. 10));
    ok $slowest =~ /^[\d.]+$/ && $slowest < $soon,
       '... do not hold up another endpoint' or diag $slowest;

    my $before = grep { $_->{path} eq '/e' } $target->requests;
    to($nginx, '/both', 'both');
    ok $nginx->wait_for(sub {
           $before < grep { $_->{path} eq '/e' } $target->requests }),
       '... nor where an event goes to both';

    my $sending = $nginx->store->counts('h')->{sending};
    cmp_ok $sending, '<=', $connections / 4,
           '... not more are under way than a quarter of the connections';
    is $nginx->get('/none')->{status}, 404, '... and nginx answers';

    # those under way would go on for ten minutes
    $nginx->kill_all;
    $target->set('200');
    $nginx->start;
    ok $nginx->store->idle(20 * $Jamhook::Env::PATIENCE
                           + $nginx->store->takeover($timeout)),
       '... and when it answers again all go';
    $nginx->ends_well;
}

# retries by the thousand, and new events

{
    my $target = Jamhook::Target->new('500');
    my $server = ingest('e')
        . endpoint('e', "$id jamhook_max_active 4; jamhook_retry 4s 60s;");
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'backlog', level => 'warn', server => $server);
    my $many = 2000;

    # all fail as fast as they come
    $nginx->reload(server => $server =~ s/max_active 4/max_active 64/r
                                     =~ s/retry 4s/retry 10m/r);

    my @senders = map { Endure->new($nginx, "b$_-", pause => 0,
                                    max => $many / 4) } 1 .. 4;
    $_->finish for @senders;
    ok $nginx->wait_for(sub { $nginx->store->value('select count(*) from'
           . ' attempts') == $many }, 60 + 30 * $Jamhook::Env::PATIENCE),
       "a backlog of $many retries";

    # all of them are due now, as they would be after a long night
    $nginx->stop;
    $nginx->store->change('update deliveries set next_at = 1');
    $target->set('delay=40ms');
    $nginx->configure(server => $server);
    $nginx->start;
    $nginx->wait_for(sub { $target->requests > $many });

    my $slowest = slowest($nginx, $target, ids('n', 1 .. 20));
    my $left = $nginx->store->counts->{pending};

    cmp_ok $left, '>', 100, '... is worked off';
    ok $slowest =~ /^[\d.]+$/ && $slowest < $soon,
       '... while new events arrive at once' or diag $slowest;

    my $before = $target->requests;
    my @new = map { begin($nginx, $_) } ids('m', 1 .. 60);
    $nginx->wait_for(sub { $target->requests >= $before + 60 });
    my $old = grep { (Jamhook::Target::header($_, 'x-id') || '') =~ /^b/ }
              ($target->requests)[$before .. $before + 59];
    cmp_ok $old, '>=', 5, '... and among them the backlog goes on';
    status($nginx, $_) for @new;

    $target->set('200');
    ok $nginx->store->idle(60 * $Jamhook::Env::PATIENCE),
       '... to its end';
    is $nginx->store->counts->{succeeded}, $many + 80, '... all succeed';
    $nginx->ends_well;
}

# how many at once

{
    my $target = Jamhook::Target->new('hang');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'active', workers => 2, server => ingest('e')
        . endpoint('e', 'jamhook_max_active 3; jamhook_timeout 10m;'));

    put($nginx, ids('a', 1 .. 40));
    $target->wait(6);

    # till each worker had looked twice
    $nginx->wait_for(sub { $target->requests > 6 }, 2.2);
    is scalar $target->requests, 6,
       'each of two workers has jamhook_max_active under way';
    is_deeply $nginx->store->counts,
              { pending => 34, sending => 6, succeeded => 0, failed => 0 },
              '... and the rest waits';
    $nginx->kill_all;
    $nginx->ends_well;
}

# few connections

{
    my $target = Jamhook::Target->new('delay=200ms');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'few', connections => 32, server => ingest('e f')
        . endpoint('e') . endpoint('f'));

    is scalar(grep { $_ == 200 } put($nginx, ids('c', 1 .. 30))), 30,
       'with few connections events are stored';
    ok $nginx->store->idle(20 * $Jamhook::Env::PATIENCE),
       '... and delivered';
    is $nginx->store->counts->{succeeded}, 60, '... to all endpoints';
    is scalar $target->requests, 60, '... with one attempt each';
    cmp_ok at_once(0.19, $target->requests), '<=', 8,
           '... of which a quarter of the connections is made at once';
    $nginx->ends_well;
}

done_testing;
