# Leases: whose they are, when they are over, and what becomes of those that
# nobody gives back.
#
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use POSIX ();
use Jamhook::Nginx;
use Endure;

my $PATIENCE = $Jamhook::Env::PATIENCE;
my $pgsql = $Jamhook::Env::STORE eq 'pgsql';

sub count {
    my ($nginx, $what) = @_;

    return $nginx->store->value("select count(*) from $what");
}

sub locks { return scalar(() = $_[0]->store->locks) }

# to a path
sub sent {
    my ($target, $path) = @_;

    return scalar grep { $_->{path} eq $path } $target->requests;
}

# The next commit takes so long, and those after it do not: a call that is under
# way does not look again.
sub slow_commit {
    my ($nginx, $ms, $id) = @_;

    $nginx->faults->set(sync => "ms=$ms");
    my $client = begin($nginx, $id);
    my $seen = $nginx->wait_for(sub { $nginx->faults->seen('sync') });
    $nginx->faults->set(sync => '');

    diag 'no commit' unless $seen;
    return $client;
}

# an endpoint that goes away while its deliveries are being sent

{
    my $target = Jamhook::Target->new("/e hang\n/f 200");
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'gone', http => 'jamhook_retention 2s;',
        server => ingest('e')
        . endpoint('e', 'jamhook_timeout ' . ($pgsql ? '5s;' : '10m;')));

    # with PostgreSQL not before their leases are over
    my $takeover = $nginx->store->takeover(5);

    sub given_up {
        my $n = 0;

        for ($nginx->log) {
            $n += $1 if /\[warn\].*gave\ up\ deliveries\ older.*:\ 0\ to\ paused
                         \ endpoints,\ (\d+)\ to\ endpoints\ that\ no/x;
        }

        return $n;
    }

    put($nginx, ids('k', 1 .. 3));
    $target->wait(3);
    ok $nginx->reload(server => ingest('f') . endpoint('f')),
       'an endpoint is taken out while events are being sent to it';

    # two looks at what is old, and a poll
    $nginx->wait_for(sub { 0 }, 1.5);
    is $nginx->store->counts('e')->{sending}, 3,
       '... its deliveries stay the old worker\'s while that lives';

    $nginx->kill_all;

    # as if another nginx had had it till then, so that there is time to look
    $nginx->store->change('update endpoints set seen_at = '
        . int((time + 10 + $takeover) * 1000) . " where name = 'e'");
    $nginx->start;

    ok $nginx->store->wait_until(endpoint => 'e', pending => 3, sending => 0,
                                 seconds => 10 * $PATIENCE + $takeover),
       '... when all processes were killed they are pending again'
       or diag explain $nginx->store->counts('e');
    is count($nginx, 'deliveries where lease_owner is not null'), 0,
       '... and nobody\'s';
    is given_up(), 0, '... none is given up while others have the endpoint';

    put($nginx, 'x1');
    ok $nginx->store->wait_until(endpoint => 'f', pending => 0, sending => 0,
                                 failed => 0),
       '... what is there goes on';

    ok $nginx->wait_for(sub { given_up() >= 3 },
                        20 + $takeover + 10 * $PATIENCE),
       '... after jamhook_retention they are given up';
    ok $nginx->wait_for(sub {
           count($nginx, "events where id like 'k%'") == 0 }), '... and go';
    is given_up(), 3, '... the log counts each once';
    is sent($target, '/e'), 3, '... none is sent again';
    is $nginx->store->check, 'ok', '... from a store that is whole';
    $nginx->ends_well;
}

# the files that workers lock

if (!$pgsql) {
    my $target = Jamhook::Target->new('200');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'file', server => ingest('e')
        . endpoint('e', 'jamhook_retry 10m 10m;'));

    put($nginx, 'warm');
    $nginx->store->idle;
    $target->set('200 delay=5s');
    put($nginx, 'long');
    $target->wait(2);

    # two polls or more
    my ($file) = $nginx->store->locks;
    unlink $file or die "$file: $!";
    $nginx->wait_for(sub { 0 }, 2.2);
    is $nginx->store->counts->{sending}, 1,
       'a worker whose file is removed does not take itself for dead';
    put($nginx, 'next');

    is_deeply [$nginx->store->locks], [$file],
              '... one that is removed is there again with the next event';
    ok $nginx->store->idle(10 * $PATIENCE), '... what is under way ends';
    is_deeply [values %{ arrived($target) }], [1, 1, 1],
              '... and is sent once';
    is count($nginx, 'attempts where result <> 0'), 0,
       '... no attempt is interrupted';
    $nginx->ends_well;
}

if (!$pgsql) {
    my $target = Jamhook::Target->new('200');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'files', workers => 2, server => ingest('e')
        . endpoint('e', 'jamhook_retry 10m 10m;'));

    ok $nginx->wait_for(sub { locks($nginx) == 2 }),
       'each worker has a file';
    put($nginx, 'warm');
    $nginx->store->idle;
    $target->set('200 delay=3s');

    unlink $nginx->store->locks;
    my @status = put($nginx, ids('k', 1 .. 5));
    my $sender = Endure->new($nginx, 'x', pause => 0.05, max => 20);

    is join(' ', @status), '200 200 200 200 200',
       '... when they are removed events are taken';
    ok $nginx->wait_for(sub { locks($nginx) == 2 }),
       '... and the files are there again';
    $sender->finish;
    ok $nginx->store->idle(10 * $PATIENCE), '... what comes in is sent';
    is_deeply [grep { $_ != 1 } values %{ arrived($target) }], [],
              '... once, though it takes longer than to look for dead workers';
    is scalar(keys %{ arrived($target) }), 26, '... all of it';
    is count($nginx, 'attempts where result <> 0'), 0,
       '... no attempt is interrupted';
    $nginx->ends_well;
}

# a commit that takes longer than the lease, jamhook_timeout and 5 s

{
    my $target = Jamhook::Target->new("/e 200\n/f 200");
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'commit', faults => 1, server => ingest('e f')
        . endpoint('e', 'jamhook_timeout 2s; jamhook_retry 10m;')
        . endpoint('f', 'jamhook_timeout 5s; jamhook_retry 10m;'));

    # what came of the slow event's attempts at an endpoint: 2 is interrupted
    sub attempts {
        my ($name) = @_;

        return join ' ', map { $_->{result} } $nginx->store->rows(
            'select result from attempts a join events on'
            . " events.seq = a.event where id = 'slow' and endpoint ="
            . " (select id from endpoints where name = '$name')"
            . ' order by number');
    }

    put($nginx, 'warm');
    $nginx->store->idle;
    $target->set("/e 200\n/f hang | 200");

    my $time = time;
    my $client = slow_commit($nginx, 7500, 'slow');
    is status($nginx, $client), 200,
       'an event whose commit takes long is taken';
    cmp_ok time - $time, '>=', 7.5, '... afterwards';

    ok $nginx->store->wait_until(endpoint => 'e', succeeded => 2),
       '... the lease is over: it is claimed anew';
    is sent($target, '/e'), 2, '... before that nothing is sent';
    is attempts('e'), '2 0', '... the attempt is interrupted';
    is_deeply $nginx->store->row('select max(step) as step, max(attempts) as n'
                                 . ' from deliveries'), { step => 0, n => 2 },
              '... and no step of the ladder is used';

    # 10 s: what is left is less than jamhook_timeout
    ok $nginx->store->wait_until(endpoint => 'f', succeeded => 2),
       'a lease that ends before jamhook_timeout ends the attempt';
    is attempts('f'), '2 0', '... which is interrupted, it has not timed out';
    is sent($target, '/f'), 3, '... and sent again';
    is $nginx->store->value('select max(step) from deliveries'), 0,
       '... without a step of the ladder';
    is $nginx->logged(qr/ended after its lease/), 0,
       '... no attempt outlasts its lease';
    $nginx->ends_well;
}

# worker_shutdown_timeout while an event is in a job

{
    my $target = Jamhook::Target->new('200');
    my %nginx = map {
        $_ => Jamhook::Nginx->new(target => $target->port, store => 1,
            name => $_, faults => 1, main => 'worker_shutdown_timeout 1s;',
            server => ingest('e')
            . endpoint('e', 'jamhook_timeout 2m; jamhook_retry 10m;', "/$_"))
    } qw(first later);

    # none has been sent in one of them
    put($nginx{later}, 'warm');
    $nginx{later}->store->idle;
    $nginx{first}->wait_for(sub { eval { count($nginx{first}, 'probe') } });
    $target->set('hang');

    my (%client, %old);

    for my $name (sort keys %nginx) {
        my $nginx = $nginx{$name};

        $client{$name} = slow_commit($nginx, 5000, "job-$name");
        $old{$name} = [$nginx->workers];
        push @{ $old{$name} }, delete $nginx->{pid};
        kill 'QUIT', $old{$name}[-1];
    }

    for my $name (sort keys %nginx) {
        my $nginx = $nginx{$name};

        ok gone(@{ $old{$name} }), 'worker_shutdown_timeout passes while the '
           . "$name event is in a job: the worker leaves";
        close $client{$name};

        is $nginx->store->value('select count(*) from attempts'
                                . ' where result = 2'), 1,
           '... the attempt is interrupted';
        is $nginx->store->counts->{pending}, 1, '... its delivery is pending';
        is sent($target, "/$name"), $name eq 'later' ? 1 : 0,
           '... nothing is sent';
        is count($nginx, 'deliveries where step <> 0'), 0,
           '... and no step of the ladder is used';
        Jamhook::Env::stop_nginx($_, 'KILL')
            for grep { Jamhook::Env::is_running($_) } @{ $old{$name} };
    }

    $target->set('200');

    for my $name (sort keys %nginx) {
        my $nginx = $nginx{$name};

        $nginx->start;
        ok $nginx->store->idle, "the $name event is sent after the next start";
        is sent($target, "/$name"), $name eq 'later' ? 2 : 1, '... once';
        $nginx->ends_well(name => "nginx ends well, $name");
    }
}

# owners that are none: somebody else wrote there

{
    my %owners = (
        strange => ["'" . 'z' x 40 . "'", "'" . '/..' x 10 . "/x'", "x'00ff'",
                    'null'],
        # of 32 characters, but not of 32 bytes
        wide => ["'" . "\xc3\xa9" x 32 . "'"],
        nul => ["cast(x'" . '61' x 32 . '00' . '61' x 8 . "' as text)"]);

    if ($pgsql) {
        delete $owners{nul};
        $owners{strange} = [grep { !/^x/ } @{ $owners{strange} }];
    }

    my $target = Jamhook::Target->new('500');
    my $tick = POSIX::sysconf(POSIX::_SC_CLK_TCK());
    my (%nginx, %worker, %before);

    sub cpu {
        my ($pid) = @_;

        my @f = split ' ', Jamhook::Env::slurp("/proc/$pid/stat")
                           =~ s/.*\) //sr;
        return ($f[11] + $f[12]) / $tick;
    }

    for my $name (sort keys %owners) {
        my $nginx = $nginx{$name} = Jamhook::Nginx->new(store => 1,
            name => $name, target => $target->port,
            # what has no owner is found when old events are looked for
            http => $pgsql ? 'jamhook_retention 20s;' : '',
            server => ingest('e') . endpoint('e', 'jamhook_retry 10m 10m;'));

        put($nginx, ids($name, 1 .. @{ $owners{$name} }));
        $nginx->store->wait_until(sending => 0,
                                  pending => scalar @{ $owners{$name} });
    }

    $target->set('200');

    for my $name (sort keys %owners) {
        my $nginx = $nginx{$name};

        ($worker{$name}) = $nginx->workers;
        $before{$name} = cpu($worker{$name});

        my $event = $nginx->store->value('select min(event) as n from'
                                         . ' deliveries');
        my $sql = join '; ', map { 'update deliveries set state = 1,'
            . " lease_owner = $_, lease_until = 0, next_at = 0,"
            . ' attempts = attempts + 1 where event = ' . $event++
        } @{ $owners{$name} };
        $nginx->store->change($sql);
    }

    # two polls or more
    $nginx{wide}->wait_for(sub { 0 }, 2.5);
    my %used = map { $_ => cpu($worker{$_}) - $before{$_} } keys %owners;

    # before anything waits for one of them
    for my $name (keys %owners) {
        kill 'QUIT', delete $nginx{$name}{pid};
    }

    for my $name (sort keys %owners) {
        my $nginx = $nginx{$name};

        cmp_ok $used{$name}, '<', 0.5,
               "an owner that is none, $name: the worker does not keep busy";
        ok gone($worker{$name}), '... and leaves when it is told to';
        kill 'KILL', $worker{$name}
            if Jamhook::Env::is_running($worker{$name});
        gone($worker{$name});

        $nginx->start;
        ok $nginx->store->wait_until(pending => 0, sending => 0, failed => 0),
           '... after the next start, at the latest, it is sent'
           or diag explain $nginx->store->row('select state, attempts,'
               . ' next_at, lease_owner as owner from deliveries');
        $nginx->ends_well(name => "nginx ends well, $name");
    }
}

done_testing;
