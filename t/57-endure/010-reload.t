# Reload with a store: nothing is lost, nothing is sent twice at once, and what
# waits goes on with the new workers.
#
# stores: sqlite pgsql

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;

# however long it takes, none is given up
my $retry = 'jamhook_retry ' . join(' ', ('100ms') x 60) . ';';

for my $workers (1, 4) {
    # each first answer is slow, and it takes three tries
    my $target = Jamhook::Target->new(
        '/e ' . join(' | ', map { $_ % 3 ? '500 delay=150ms'
                                         : '200 delay=150ms' } 1 .. 2999));
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        workers => $workers, server => ingest('e') . endpoint('e', $retry));

    # put, so that some are under way and some wait whenever it reloads
    my $sender = Endure->new($nginx, "x$workers-");
    my $reloads = 0;

    for my $i (1 .. 5) {
        $sender->wait(15 * $i);
        $reloads += $nginx->reload ? 1 : 0;
    }

    is $reloads, 5, "$workers workers: five reloads are carried out";
    is scalar(grep { $_->{state} } $nginx->store->rows(
              'select 1 as state from attempts where result = 1 limit 1')), 1,
       '... among failed attempts';

    my $sent = $sender->stop;
    my $stored = grep { $_ == 200 } values %$sent;

    cmp_ok $stored, '>=', 75, '... and events';
    $target->set('/e 200');
    ok $nginx->store->idle(20 * $Jamhook::Env::PATIENCE),
       '... every delivery comes to its end';
    is $nginx->store->counts->{succeeded}, $stored, '... and succeeds';
    is $nginx->store->value('select count(*) from events'), $stored,
       '... no event is lost';
    is scalar(keys %{ arrived($target) }), $stored, '... each arrives';
    is $sender->repeated, 0, '... none had to be sent again';

    # while the delay is 150 ms, the last ones are answered at once
    is_deeply [overlaps(100, $target->requests)], [],
              '... none is sent twice at once';
    is $nginx->store->value('select count(*) from attempts where result = 2'),
       0, '... and none is interrupted';
    is scalar $target->requests,
       $nginx->store->value('select count(*) from attempts'),
       '... what came is what is written down';

    ok $nginx->wait_for(sub { $nginx->workers('all') == $workers }),
       '... the old workers end';
    $nginx->ends_well;
}

# a target that hangs, and others that wait behind it

{
    my $target = Jamhook::Target->new("/e hang | 200\n/f 500 | 200");
    my $timeout = $Jamhook::Env::UNDER ? 12 : 6;
    my $server = ingest('e f')
        . endpoint('e', "jamhook_max_active 1; jamhook_timeout ${timeout}s;"
                        . ' jamhook_retry 100ms 100ms;')
        . endpoint('f', 'jamhook_retry 300ms;');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
                                    name => 'hang', server => $server);

    is_deeply [put($nginx, ids('h', 1 .. 3))], [200, 200, 200],
              'an event to a target that hangs is stored';
    $target->wait(4);

    my ($old) = $nginx->workers;
    my $time = time;
    ok $nginx->reload, 'reload does not wait for it';

    ok $nginx->store->wait_until(endpoint => 'e', succeeded => 2),
       'the new worker takes over what waits for its turn';
    ok $nginx->store->wait_until(endpoint => 'f', succeeded => 3),
       '... and what waits for its next try';
    ok Jamhook::Env::is_running($old), 'the old one stays for the attempt';
    ok time - $time < $timeout, '... which lasts longer';

    ok $nginx->wait_for(sub { !Jamhook::Env::is_running($old) },
                        $timeout + 10 * $Jamhook::Env::PATIENCE),
       '... and ends with it';
    ok $nginx->store->idle, 'the new one makes the next try';
    is_deeply $nginx->store->counts('e'),
              { pending => 0, sending => 0, succeeded => 3, failed => 0 },
              '... and all arrive';
    is $nginx->store->value('select count(*) from attempts a'
        . ' where error = \'timeout\''), 1, '... after one timeout';
    is_deeply [overlaps(500 * $timeout, grep { $_->{path} eq '/e' }
                                        $target->requests)],
              [], '... never twice at once';

    $nginx->ends_well;
}

# an endpoint that is gone and comes back

{
    my $target = Jamhook::Target->new('500');
    my $both = ingest('e f') . endpoint('e', 'jamhook_retry 200ms 200ms;')
               . endpoint('f', 'jamhook_retry 200ms 200ms 10s;');
    my $one = ingest('e') . endpoint('e', 'jamhook_retry 200ms 200ms;');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'gone', workers => 2, server => $both);
    my $mine = "from deliveries where endpoint ="
               . " (select id from endpoints where name = 'f')";

    put($nginx, ids('g', 1 .. 4));
    $target->wait(8);
    ok $nginx->reload(server => $one), 'an endpoint is taken out';
    ok $nginx->wait_for(sub { $nginx->workers('all') == 2 }),
       '... the old workers have left';

    my $before = grep { $_->{path} eq '/f' } $target->requests;
    my @rows = $nginx->store->rows("select * $mine order by event");

    $target->set('200');
    put($nginx, ids('g', 5));
    ok $nginx->store->wait_until(endpoint => 'e', pending => 0, sending => 0),
       '... the other one goes on';

    # long enough for what was due
    $nginx->wait_for(sub { 0 }, 1);
    is scalar(grep { $_->{path} eq '/f' } $target->requests), $before,
       '... nothing is sent to it';
    is_deeply [$nginx->store->rows("select * $mine order by event")], \@rows,
              '... its deliveries stay as they were';
    is_deeply $nginx->store->counts('f'),
              { pending => 4, sending => 0, succeeded => 0, failed => 0 },
              '... and pending';

    ok $nginx->reload(server => $both), 'it comes back';

    # the last delay, where the others were over before
    ok $nginx->store->wait_until(endpoint => 'f', succeeded => 4,
           seconds => 12 + 10 * $Jamhook::Env::PATIENCE),
       '... and its deliveries go on';
    $nginx->ends_well;
}

# the ingest location gets another name

{
    my $target = Jamhook::Target->new('500 | 200');
    my $server = endpoint('e', 'jamhook_retry 300ms;');
    my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
        name => 'renamed', server => ingest('e') . $server);

    put($nginx, 'r1');
    $target->wait(1);
    ok $nginx->reload(server => ingest('e', '/other') . $server),
       'the ingest location gets another name';
    ok $nginx->store->idle, '... what it took goes on';

    my $answer = $nginx->send(Jamhook::event(body => '{"a":1}', id => 'r1',
                                             uri => '/other'));
    like $answer->{body}, qr/"result":"duplicate"/,
         '... and is a duplicate where it comes again';
    is $nginx->send(Jamhook::event(body => '{"a":1}', id => 'r2'))->{status},
       404, '... the old name is gone';
    is $nginx->store->value('select source from events'), '/jam',
       '... its first source stays';
    $nginx->ends_well;
}

done_testing;
