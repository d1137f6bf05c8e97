# A PostgreSQL that goes away while there is work, and comes back: no event that
# was acknowledged is lost, nor what came of an attempt, and none is sent twice at
# once.
#
# stores: pgsql pgsql-palloc

use lib 't/lib', 't/57-endure';
BEGIN { $ENV{JAMHOOK_TEST_STORE} = 'pgsql' }
use Test::More;
use Time::HiRes qw(time sleep);
use Jamhook::Nginx;
use Endure;
use Trouble;

# a server that says nothing

{
    my $nginx = nginx('frozen', server => ingest('e')
        . endpoint('e', 'jamhook_timeout 2s; jamhook_retry 100ms 100ms;')
        . 'location = /other { return 204; }');

    answer($nginx);
    $nginx->store->idle;
    $nginx->pg->freeze;

    my $time = time;
    my $answer = answer($nginx);
    my $waited = time - $time;
    ok is_problem($answer), 'a server that says nothing: an event gets 503';
    ok $waited > 3 && $waited < 12, '... in time' or diag $waited;
    is $nginx->get('/other')->{status}, 204, '... the rest of nginx answers';
    ok $nginx->wait_log($CRIT), '... the log tells';
    like +(grep { $_ =~ $CRIT } $nginx->log)[0],
         qr/did not answer in time.*look whether the server runs/, '... what is wrong, and what to do';
    $nginx->pg->thaw;
    ok $nginx->wait_for(sub { answer($nginx)->{status} == 200 }, $soon + 3),
       '... when it goes on events are taken again';
    ok $nginx->wait_for(sub { $nginx->logged($WELL) == 1 }),
       '... and one line says so';

    # the one that was not answered in time may have been kept, and claimed
    ok $nginx->store->idle($soon + $nginx->store->takeover(2)),
       '... and they are delivered';
    is $nginx->store->check, 'ok', '... from a store that is whole';
    $nginx->ends_well(expected => [$CRIT]);
}

# sessions that are ended, while a server is there, are no trouble

{
    my $nginx = nginx('terminated', workers => 2);

    answer($nginx);
    $nginx->store->idle;

    my @status = map {
        $nginx->store->idle;
        sleep 0.1;
        $nginx->pg->terminate;
        sleep 0.1;
        map { answer($nginx)->{status} } 1 .. 3;
    } 1 .. 5;

    is_deeply \@status, [(200) x 15],
              'sessions that a server ends while they are idle are made anew';
    ok $nginx->store->idle, '... all is delivered';
    is $nginx->logged($CRIT), 0, '... and nothing is said of trouble';
    $nginx->ends_well;
}

# attempts under way when it began: what came of them is written afterwards

{
    my $nginx = nginx('outcomes');

    $target->set('hold');
    my $before = $target->requests;
    is join(' ', map { answer($nginx)->{status} } 1 .. 4), '200 200 200 200',
       'attempts are under way';
    $target->wait($before + 4);
    $nginx->pg->stop('immediate');

    ok $nginx->wait_for(sub { is_problem(answer($nginx)) }),
       '... when the server is stopped';
    $target->set('503 | 200');
    $nginx->wait_for(sub { 3 == $nginx->logged(qr/target answered 200/) });

    $nginx->pg->start;
    ok $nginx->store->wait_until(succeeded => 4, pending => 0, sending => 0,
                                 seconds => $soon + 2),
       '... what came of them is written when it is back';
    is $target->requests - $before, 5,
       '... and only the failed one is sent again';
    is $nginx->store->value('select count(*) from attempts where result = 2'),
       0, '... none was interrupted';
    is $nginx->store->check, 'ok', '... the store is whole';
    $nginx->ends_well(expected => [$CRIT]);
}

# the same, for longer than their leases

{
    my $nginx = nginx('over', server => ingest('e')
        . endpoint('e', 'jamhook_timeout 1s; jamhook_retry 100ms 100ms;'));

    $target->set('hold');
    my $before = $target->requests;
    is join(' ', map { answer($nginx)->{status} } 1 .. 4), '200 200 200 200',
       'attempts are under way';
    $target->wait($before + 4);
    $nginx->pg->stop('immediate');
    $target->set('200');
    $nginx->wait_for(sub { 4 == $nginx->logged(qr/target answered 200/) });

    # nobody was there to take them
    $nginx->wait_for(sub { 0 }, 7);
    $nginx->pg->start;
    ok $nginx->store->wait_until(succeeded => 4, pending => 0, sending => 0,
                                 seconds => $soon + 2),
       '... what came of them is written, though their leases are over';
    is $target->requests - $before, 4, '... and nothing is sent again';
    is $nginx->store->value('select count(*) from attempts'), 4,
       '... an attempt each';
    $nginx->ends_well(expected => [$CRIT]);
}

# a server that is killed again and again: no 200 is lost, none is sent twice at
# once

{
    my $nginx = nginx('flood', workers => 2, pg => { durable => 1 },
        server => ingest('e')
        . endpoint('e', 'jamhook_retry ' . '200ms ' x 50 . ';'));
    my @senders = map { Endure->new($nginx, "f$_-", pause => 0) } 1, 2;

    $target->set('200 delay=50ms');

    for my $i (1 .. 3) {
        $senders[0]->wait(60 * $i, 30);
        $nginx->pg->kill9;
        sleep 0.5;
        $nginx->pg->start;
    }

    $senders[0]->wait(240, 30);

    my %sent = map { %{ $_->stop } } @senders;
    my @ok = grep { $sent{$_} == 200 } keys %sent;

    ok $nginx->store->idle(20 * $Jamhook::Env::PATIENCE
                           + $nginx->store->takeover(12)),
       'a server is killed thrice: all comes to its end';

    my %kept = map { $_->{id} => 1 }
               $nginx->store->rows('select id from events');
    is_deeply [grep { !$kept{$_} } @ok], [],
              '... of ' . @ok . ' events answered 200 none is lost';
    is $nginx->store->counts->{failed}, 0, '... none fails';

    is scalar(keys %{ arrived($target) }) >= keys %kept, 1, '... each arrived';
    is_deeply [overlaps(45, $target->requests)], [],
              '... none was sent twice at once';
    is $nginx->store->check, 'ok', '... and the store is whole';
    $nginx->ends_well(expected => [$CRIT]);
}

done_testing;
