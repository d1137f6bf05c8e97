# Workers that die, and orders to end while the disk is slow: what was under way
# goes on at once, and no 200 is lost.
#
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;

# Much longer than any test waits: what goes on does not wait for the lease. With
# PostgreSQL it does, for nobody sees there whether its owner lives.

my $pgsql = $Jamhook::Env::STORE eq 'pgsql';
my $timeout = $pgsql ? 2 : 600;
my $patience = 10 * $Jamhook::Env::PATIENCE + ($pgsql ? $timeout + 7 : 0);
my $lease = "jamhook_timeout ${timeout}s;";

sub hanging {
    my ($name, %opt) = @_;

    my $target = Jamhook::Target->new('/e hang');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => $name, server => ingest('e') . endpoint('e',
            "$lease jamhook_retry " . ($opt{retry} || '100ms 100ms') . ';'),
        %opt);

    put($nginx, ids('k', 1 .. 6));
    $target->wait(6);

    return ($nginx, $target);
}

sub interrupted {
    my ($nginx) = @_;
    return $nginx->store->value('select count(*) from attempts'
                                . ' where result = 2');
}

# the only worker

{
    my ($nginx, $target) = hanging('one');

    $target->set('200');
    my ($old) = $nginx->workers;
    $nginx->kill_worker;

    ok $nginx->store->wait_until(succeeded => 6, seconds => $patience),
       'what a killed worker had under way is sent by the next one';
    is interrupted($nginx), 6, '... after attempts that were interrupted';
    is $nginx->logged(qr/\[warn\].*jamhook attempt 1 was interrupted/), 6,
       '... of which the log tells';
    is $nginx->store->value('select group_concat(distinct number) from attempts'
                            . ' where result = 0'), '2', '... as the second';
    is scalar(keys %{ arrived($target) }), 6, '... with the same key';
    $nginx->ends_well(expected => [qr/worker process $old exited on signal 9/]);
}

# one of several: another one goes on

{
    my ($nginx, $target) = hanging('several', workers => 3);

    $target->set('200');
    my %before = map { $_->{owner} => 1 } $nginx->store->rows(
        'select distinct lease_owner as owner from deliveries'
        . ' where state = 1');
    my @killed = $nginx->workers;

    $nginx->signal('KILL', $_) for @killed;
    gone(@killed);

    cmp_ok scalar(keys %before), '>=', 1, 'deliveries are under way';
    ok $nginx->store->wait_until(succeeded => 6, seconds => $patience),
       '... and go on when their workers are killed';
    is interrupted($nginx), 6, '... each was interrupted once';
    is scalar $target->requests, 12, '... and sent once more';
    $nginx->ends_well(expected => [qr/worker process \d+ exited on signal 9/]);
}

# the other workers' deliveries are left alone

{
    # with PostgreSQL the others time out before
    my ($nginx, $target) = hanging('others', workers => 2, retry => '10m 10m');
    my %has;

    $has{$nginx->sender($_)}++ for $target->requests;

    my ($killed) = sort { $has{$b} <=> $has{$a} } keys %has;

    cmp_ok $has{$killed}, '>=', 1, 'a worker has deliveries under way';
    $nginx->kill_worker($killed);
    put($nginx, 'after');
    $target->wait(7 + $has{$killed}, $patience);

    # two looks at what others left
    $nginx->wait_for(sub { 0 }, 2.1);
    is scalar $target->requests, 7 + $has{$killed},
       '... when it is killed what it had is sent again, and no more';
    is interrupted($nginx), $has{$killed}, '... and no other is interrupted';
    $target->stop;
    $nginx->ends_well(expected => [qr/worker process \d+ exited on signal 9/]);
}

# all at once

{
    my ($nginx, $target) = hanging('all', workers => 2);

    $nginx->kill_all;
    $target->set('200');
    $nginx->start;

    ok $nginx->store->wait_until(succeeded => 6, seconds => $patience),
       'after all processes were killed all goes on with the start';
    is interrupted($nginx), 6, '... after attempts that were interrupted';
    is $nginx->store->check, 'ok', '... from a store that is whole';
    ok $nginx->wait_for(sub { $nginx->store->users <= 2 }),
       '... and the dead ones\' lock files, or sessions, are gone';
    $nginx->ends_well;
}

# an event that is there whenever a worker dies

{
    my ($nginx, $target) = hanging('killer');

    for my $n (1 .. 4) {
        $target->wait(6 * $n, $patience) if $n < 4;
        $nginx->kill_worker if $n < 4;
    }

    # interrupted thrice, so the ladder counts: 100ms, 100ms, and no more
    ok $nginx->wait_for(sub { $target->requests >= 24 }, $patience),
       'it is tried again after three deaths';
    is $nginx->store->value('select max(interrupted) from deliveries'), 3,
       '... which are counted';

    $nginx->kill_worker;
    $target->wait(30, $patience);
    $nginx->kill_worker;
    ok $nginx->store->wait_until(failed => 6, seconds => $patience),
       '... and it is given up when the ladder ends';
    $nginx->ends_well(expected => [qr/worker process \d+ exited on signal 9/]);
}

# events in their thousands and a kill -9 every now and then: no 200 is lost

{
    my $target = Jamhook::Target->new('200');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'flood', workers => 2, server => ingest('e')
        . endpoint('e', 'jamhook_timeout 3s; jamhook_retry 100ms 100ms;'));
    my @senders = map { Endure->new($nginx, "f$_-", pause => 0) } 1, 2;

    for my $i (1 .. 4) {
        $senders[0]->wait(30 * $i);
        $nginx->kill_worker;
    }

    $senders[0]->wait(150);
    $nginx->kill_all;
    $nginx->start;
    $senders[0]->wait(180);

    my %sent = map { %{ $_->stop } } @senders;
    my @ok = grep { $sent{$_} == 200 } keys %sent;
    my %kept = map { $_->{id} => 1 }
               $nginx->store->rows('select id from events');

    is_deeply [grep { !$kept{$_} } @ok], [],
              'of ' . @ok . ' events answered 200 among kills none is lost';
    ok $nginx->store->idle(20 * $Jamhook::Env::PATIENCE
                           + $nginx->store->takeover(3)),
       '... and all come to their end';
    is $nginx->store->counts->{failed}, 0, '... none fails';
    is scalar(keys %{ arrived($target) }), scalar(keys %kept),
       '... each arrived';
    is $nginx->store->check, 'ok', '... and the store is whole';
    $nginx->ends_well(expected => [qr/worker process \d+ exited on signal 9/]);
}

# orders to end, while events wait for a slow disk

for my $signal (qw(QUIT TERM)) {
    my $target = Jamhook::Target->new('200');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        faults => 1, name => lc $signal, server => ingest('e')
        . endpoint('e', 'jamhook_timeout 3s; jamhook_retry 100ms;'));

    put($nginx, 'first');
    $nginx->store->idle;
    $nginx->faults->set(sync => 'ms=700');

    my %clients = map { $_ => begin($nginx, $_) } ids('s', 1 .. 20);

    # the first of them is in the job, others wait for the next one
    $nginx->wait_for(sub { $nginx->faults->seen('sync') >= 2 });
    $nginx->taken;
    my $pid = $nginx->pid;
    my @workers = $nginx->workers;
    $nginx->signal($signal);

    my %status = map { $_ => status($nginx, $clients{$_}) } keys %clients;
    my @ok = grep { $status{$_} == 200 } keys %status;

    ok $nginx->wait_for(sub {
           !grep { Jamhook::Env::is_running($_) } $pid, @workers },
           20 * $Jamhook::Env::PATIENCE),
       "$signal ends nginx while the disk is slow";

    if ($signal eq 'QUIT') {
        is scalar(grep { $status{$_} != 200 && $status{$_} != 503 }
                  keys %status), 0, '... after each event had its answer';
        cmp_ok scalar @ok, '>=', 1, '... 200 among them';
    }

    my %kept = map { $_->{id} => 1 }
               $nginx->store->rows('select id from events');
    is_deeply [grep { !$kept{$_} } @ok], [], '... no 200 is lost';

    $nginx->faults->clear;
    delete $nginx->{pid};
    $nginx->start;
    ok $nginx->store->wait_until(pending => 0, sending => 0, failed => 0,
           seconds => 10 * $Jamhook::Env::PATIENCE
                      + $nginx->store->takeover(3)),
       '... and what was kept arrives after the start';
    is scalar(keys %{ arrived($target) }), scalar(keys %kept), '... all of it';
    $nginx->ends_well;
}

done_testing;
