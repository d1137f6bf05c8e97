# A slow disk: events share a transaction, the event loop goes on, and there is
# an end to what waits.
#
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use IO::Select;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;

my $target = Jamhook::Target->new('200');
my $server = ingest('e') . endpoint('e', 'jamhook_retry 100ms 100ms;')
             . 'location = /other { return 204; }';

sub nginx {
    my ($name, %opt) = @_;

    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        faults => 1, name => $name, server => $server, %opt);

    # all is made
    put($nginx, "$name-first");
    $nginx->store->idle;

    return $nginx;
}

# many events at once

{
    my $nginx = nginx('group');

    # the first sync takes so long that all others are there before it ends
    my $long = $Jamhook::Env::UNDER ? 6 : 3;

    $nginx->faults->set(sync => "ms=${long}000");
    my $time = time;
    my $first = begin($nginx, 'g0');
    $nginx->wait_for(sub { $nginx->faults->seen('sync') });
    $nginx->faults->set(sync => 'ms=200');
    my %clients = map { $_ => begin($nginx, $_) } ids('g', 1 .. 150);

    my $late = grep { $nginx->get('/other')->{status} != 204 } 1 .. 10;

    is $late, 0, 'while the disk is slow other locations answer';
    cmp_ok time - $time, '<', $long, '... before it is done';
    is status($nginx, $first), 200, '... an event waits for it';
    cmp_ok time - $time, '>=', $long - 0.01, '... all the time';

    my %status = map { $_ => status($nginx, $clients{$_}) } keys %clients;
    my $took = time - $time;

    is scalar(grep { $_ == 200 } values %status), 150,
       'many events at once are stored';
    cmp_ok $nginx->faults->seen('sync'), '<', 30, '... in few transactions';
    cmp_ok $took, '<', $long + 4 * $Jamhook::Env::PATIENCE,
           '... so all of them soon';

    $nginx->faults->clear;
    ok $nginx->store->idle, '... and are delivered';
    is $nginx->store->counts->{succeeded}, 152, '... all of them';
    $nginx->ends_well;
}

# an answer is not given before the disk has it

{
    my $nginx = nginx('before');

    $nginx->faults->set(sync => 'ms=700');
    my $time = time;
    is +(put($nginx, 'b1'))[0], 200, 'an event on a slow disk is stored';
    cmp_ok time - $time, '>=', 0.69, '... and not answered before it is';
    $nginx->faults->clear;
    ok $nginx->store->idle, '... and is delivered';
    $nginx->ends_well;
}

# one that waits for too long

{
    my $nginx = nginx('late');

    my $before = $target->requests;
    $nginx->faults->set(sync => 'ms=16000');
    my $time = time;
    my $s = begin($nginx, 'late1');
    $nginx->wait_for(sub { $nginx->faults->seen('sync') });
    $nginx->faults->clear;
    my $answer = $nginx->read($s, 16);
    close $s;
    my $took = time - $time;

    ok is_problem($answer), 'an event that waits for its commit gets 503'
        or diag explain $answer;
    ok $took > 9 && $took < 15, '... after 10 s' or diag $took;
    is $nginx->get('/other')->{status}, 204, '... while nginx goes on';

    $target->wait($before + 1, 30);
    ok $nginx->store->wait_until(succeeded => 2, seconds => 20),
       '... when it is committed after all it is delivered';
    like $nginx->send(Jamhook::event(body => '{"a":1}', id => 'late1'))
         ->{body}, qr/"duplicate"/, '... so the next try is a duplicate';
    is $target->requests - $before, 1, '... and it arrives once';

    # a server that does not answer for so long is trouble
    $nginx->ends_well(seconds => 30 * $Jamhook::Env::PATIENCE,
                      expected => $nginx->store->pgsql
                                  ? [qr/did not answer in time/] : []);
}

# a client that left while it waited

{
    my $nginx = nginx('left');

    $nginx->faults->set(sync => 'ms=700');
    my @clients = map { begin($nginx, $_) } ids('l', 1 .. 5);
    $nginx->wait_for(sub { $nginx->faults->seen('sync') >= 2 });
    close $_ for @clients;
    ok $nginx->store->wait_until(succeeded => 6, seconds => 30),
       'events of clients that left are delivered';
    $nginx->faults->clear;
    $nginx->ends_well;
}

# more than may wait

SKIP: {
    my $many = 4600;

    # a file for each connection, here and there
    my ($limit) = `bash -c 'ulimit -n'` =~ /(\d+)/;
    skip 'too slow', 7 if $Jamhook::Env::UNDER;
    skip 'too few files may be open', 7 if !$limit || $limit < 2 * $many + 500;

    my $nginx = nginx('queue', connections => 3 * $many, level => 'warn',
        main => 'worker_rlimit_nofile ' . 4 * $many . ';');

    my @bytes = map { Jamhook::event(body => '{"a":1}', id => $_) }
                ids('q', 1 .. $many);

    # one event holds the disk, then comes the crowd, before it is done
    $nginx->faults->set(sync => 'ms=8000');
    my $first = begin($nginx, 'q0');
    $nginx->wait_for(sub { $nginx->faults->seen('sync') });
    $nginx->faults->clear;
    my @clients = map {
        my $s = $nginx->connect;
        print $s $_;
        $s->flush;
        $s;
    } @bytes;

    # what is refused is refused at once
    my $select = IO::Select->new(@clients);
    my @ready;

    ok $nginx->wait_for(sub {
           (@ready = $select->can_read(0)) == $many - 4096 }, 6),
       'when 4096 events wait, all others are refused at once'
       or diag scalar @ready;

    my $answer = $nginx->read($ready[0]);
    ok is_problem($answer), '... with 503 unavailable' or diag explain $answer;
    like $answer->{body}, qr/too many events wait/, '... that says why';

    my %status;
    $status{status($nginx, $_, 30)}++ for grep { $_ != $ready[0] } @clients;
    is_deeply \%status, { 200 => 4096, 503 => $many - 4096 - 1 },
              '... those that waited are stored' or diag explain \%status;
    is status($nginx, $first), 200, '... as is the one before them';
    ok $nginx->store->idle(90), '... and all are delivered';
    $nginx->ends_well;
}

done_testing;
