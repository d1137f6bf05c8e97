# modes: plain san palloc
# stores: sqlite pgsql
#
# What a store adds: what waits, its commits; and what is said while it is in
# trouble, of which metrics are to tell.

use lib 't/lib', 't/66-metrics';
use Test::More;
use Jamhook::Nginx;
use Metrics;

my $target = Jamhook::Target->new('200');

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
                                workers => 2, server => q{
    location = /metrics { jamhook_metrics; }
    location = /jam { jamhook_pass e gone; jamhook_verify keys/P1.key; }
    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        jamhook_retry 1h;
        proxy_pass http://127.0.0.1:%{target};
    }
    location = /gone {
        jamhook_endpoint gone;
        jamhook_sign off;
        jamhook_retry 1h;
        jamhook_final 404;
        proxy_pass http://127.0.0.1:%{target};
    }
});

my ($m, $n) = (undef, 0);

sub put {
    return $nginx->send(Jamhook::event(id => shift, body => '{"a":1}'))
                 ->{status};
}

# polls until a series has a value
sub comes {
    my ($title, $value, $name, @labels) = @_;

    ok $nginx->wait_for(sub {
        $m = Metrics::scrape($nginx);
        my $is = Metrics::value($m, $name, @labels);
        defined $is && $is == $value;
    }), $title or diag $m->{text};

    is_deeply [Metrics::problems($m)], [], '... in the right form';
}

comes('the store is up', 1, 'store_up');
is Metrics::value($m, $_, endpoint => 'e'), $_ =~ /oldest/ ? '0.000' : 0,
   "$_ is there from the start"
    for qw(deliveries_pending deliveries_failed endpoint_paused
           delivery_oldest_pending_seconds);
is Metrics::value($m, 'store_commits_total', result => 'failed'), 0,
   'no commit has failed';


# what came of events

is put('a'), 200, 'an event is stored';
is put('a'), 200, '... and again';
comes('... counted as such', 1, 'events_total', source => '/jam',
      result => 'stored');
comes('... and as a duplicate', 1, 'events_total', source => '/jam',
      result => 'duplicate');
comes('... both deliveries', 1, 'attempts_total', endpoint => 'gone',
      outcome => 'succeeded');

is $nginx->send(Jamhook::event(id => 'a', body => '{"b":1}'))->{status}, 409, 'a conflict';
comes('... is counted', 1, 'events_total', source => '/jam',
      result => 'id_conflict');

ok Metrics::value($m, 'store_commits_total', result => 'ok') >= 2,
   'commits are counted';
is Metrics::value($m, 'store_commit_duration_seconds_count'),
   Metrics::value($m, 'store_commits_total', result => 'ok'),
   '... with how long they took';
ok Metrics::value($m, 'store_commit_duration_seconds_sum') > 0,
   '... which is not nothing';


# what waits

$target->set('/e 500
/gone 404');

is put("w$_"), 200, 'an event that fails' for 1 .. 3;

comes('what is to be tried again is pending', 3, 'deliveries_pending',
      endpoint => 'e');
comes('what is given up is not', 3, 'deliveries_failed', endpoint => 'gone');
comes('... and nothing of it waits', 0, 'deliveries_pending',
      endpoint => 'gone');

my $was = Metrics::value($m, 'delivery_oldest_pending_seconds',
                         endpoint => 'e');
ok $nginx->wait_for(sub {
    Metrics::value(Metrics::scrape($nginx), 'delivery_oldest_pending_seconds',
                   endpoint => 'e') > $was
}), 'the oldest one gets older';
is Metrics::value($m, 'delivery_oldest_pending_seconds',
                  endpoint => 'gone'), '0.000', '... where there is one';

$target->set('/e 410');
is put('p'), 200, 'an event to one that is gone';
comes('... which is paused', 1, 'endpoint_paused', endpoint => 'e');
is Metrics::value($m, 'endpoint_paused', endpoint => 'gone'), 0,
   '... the other is not';


# many at once, some of whom do not wait

for (1 .. 20) {
    my $s = $nginx->connect;
    print $s "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    close $s;
}

is Metrics::scrape($nginx)->{status}, 200, 'clients that leave at once';


# an endpoint that is configured no more, and deliveries wait for it

my $server = $nginx->{server};
(my $without = $server) =~ s/location = \/e \{.*?\n    \}//s;
$without =~ s/jamhook_pass e gone/jamhook_pass gone/;

ok $nginx->reload(server => $without), 'an endpoint is taken away';
comes('... what waits for it is there', 3, 'deliveries_pending',
      endpoint => 'e');
is Metrics::value($m, 'endpoint_paused', endpoint => 'e'), 1, '... paused';
is Metrics::value($m, 'attempts_total', endpoint => 'e',
                  outcome => 'succeeded'), undef, '... and nothing else of it';
ok $nginx->reload(server => $server), '... and it is back';
comes('... with its counts', 1, 'attempts_total', endpoint => 'e',
      outcome => 'succeeded');

$nginx->ends_well;


# trouble

$target->set('200');
$nginx = Jamhook::Nginx->new(target => $target->port, faults => 1, store => 1,
                             workers => 2, name => 'trouble',
                             server => $server);

comes('the store is up', 1, 'store_up');
is put('t1'), 200, 'an event is stored';
$nginx->store->idle;

$nginx->break_store;
ok $nginx->wait_for(sub { put('t' . ++$n) == 503 }), 'the store is in trouble';

comes('... which metrics say', 0, 'store_up');
comes('... in all workers, with their answer', 0, 'store_up') for 1 .. 3;
ok Metrics::value($m, 'store_commits_total', result => 'failed') > 0,
   '... commits failed';
ok Metrics::value($m, 'events_total', source => '/jam',
                  result => 'unavailable') > 0, '... and events were refused';
ok defined Metrics::value($m, 'attempts_total', endpoint => 'e',
                          outcome => 'succeeded'),
   '... what is not of the store is there';

$nginx->mend_store;
comes('it is well again', 1, 'store_up');
ok defined Metrics::value($m, 'deliveries_pending', endpoint => 'e'),
   '... and says what waits';

$nginx->ends_well(expected => [qr/jamhook store/]);

done_testing;
