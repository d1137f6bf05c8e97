# What one node releases another learns of at once, and not by its next look
# into the store; and a server that is away is asked ever more seldom.
#
# stores: pgsql

use lib 't/lib', 't/57-endure', 't/69-tool';
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time sleep);
use Jamhook::Nginx;
use Endure;
use Tool;

my $target = Jamhook::Target->new;

# The other node is the command line: it can replay, and deliver nothing.

{
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'woken', connections => 32,
        server => ingest('e') . endpoint('e'));
    my @tool = ('-s', $nginx->store->uri);
    my $count = 10;

    is +(put($nginx, 'a'))[0], 200, 'an event is taken';
    $target->wait(1);
    $nginx->store->idle;

    my $waited = 0;

    for my $n (1 .. $count) {

        # at any time between two looks
        sleep 0.3 + rand;

        my ($status, undef, $err) = jamhook([@tool, 'replay', 'a']);
        my $time = time;

        BAIL_OUT("replay: $err") if $status;

        $target->wait(1 + $n);
        $waited += time - $time;
    }

    is scalar @{ [ $target->requests ] }, 1 + $count, 'each replay is sent';

    # a look each second makes it 0.4 s each time
    cmp_ok $waited, '<', $count * 0.2 * $Jamhook::Env::PATIENCE,
           '... at once';

    # a connection that is watched is given up with its session

    my ($worker) = $nginx->workers;
    my $open = sub { scalar @{ [ glob "/proc/$worker/fd/*" ] } };
    my $before = $open->();

    for (1 .. 5) {
        $nginx->store->server->terminate($nginx->store->name);
        sleep 0.3;
    }

    is +(put($nginx, 'b'))[0], 200, 'sessions are ended, and opened again';
    ok $nginx->wait_for(sub { $open->() <= $before }), '... none is left open';

    my $busy = sub {
        my @stat = split ' ', Jamhook::Env::slurp("/proc/$worker/stat");
        return $stat[13] + $stat[14];
    };
    my $ticks = $busy->();
    sleep 2;
    cmp_ok $busy->() - $ticks, '<', 40 * $Jamhook::Env::PATIENCE,
           '... and the worker sleeps';

    for (1 .. 3) {
        ok $nginx->reload, 'a reload';
        jamhook([@tool, 'replay', 'b']);
    }

    ok $nginx->store->idle, '... and all is sent';
    $nginx->ends_well;
}

# In the server's place: who notes when it is asked, and has no answer.

{
    my $server = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1')
                 or die "listen: $!";
    my $nginx = Jamhook::Nginx->new(target => $target->port, name => 'seldom',
        pg_port => $server->sockport,
        http => 'jamhook_store "postgresql://x@127.0.0.1:%{pg_port}/x'
                . '?sslmode=disable&gssencmode=disable";',
        server => ingest('e') . endpoint('e'));
    my $select = IO::Select->new($server);
    my @asked;

    while (@asked < 7 && $select->can_read(10 * $Jamhook::Env::PATIENCE)) {
        push @asked, time;
        close $server->accept;
    }

    my @gaps = map { $asked[$_] - $asked[$_ - 1] } 1 .. $#asked;
    my @wanted = (1, 1.5, 2.25, 3.375, 5, 5);

    is scalar @gaps, 6, 'a server without an answer is asked again';

    for my $n (0 .. $#gaps) {
        my $wanted = $wanted[$n];
        my $most = 1.2 * $wanted > 5 ? 5 : 1.2 * $wanted;

        ok $gaps[$n] > 0.8 * $wanted - 0.05
           && $gaps[$n] < $most + 0.5 * $Jamhook::Env::PATIENCE,
           "... after about $wanted s" or diag $gaps[$n];
    }

    is $nginx->logged(qr/\[crit\].*which is tried every 1 to 5 s/), 1,
       '... the log says so';
    $nginx->ends_well(expected => [qr/\[crit\].*jamhook store/]);
}

done_testing;
