# modes: plain palloc
# stores: sqlite pgsql
#
# Counts are those of all workers, live through a reload, and what a worker had
# under way goes with it.

use lib 't/lib', 't/66-metrics';
use Test::More;
use Jamhook::Nginx;
use Metrics;

my $target = Jamhook::Target->new('200');

my $server = q{
    location = /metrics { jamhook_metrics; }
    location = /jam { jamhook_pass e; jamhook_verify off; }
    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target};
    }
};

my $nginx = Jamhook::Nginx->new(target => $target->port, workers => 4,
                                listen => 0,
                                http => "server {
    listen 127.0.0.1:%{port} reuseport; $server }");
my $m;

# till a delivery of a dead worker's is gone on with, where its lease has to end
my $timeout = $Jamhook::Env::STORE eq 'pgsql' ? 3 : 12;
my $patience = 10 * $Jamhook::Env::PATIENCE + $timeout;

sub begin {
    return map {
        my $s = $nginx->connect;
        print $s Jamhook::event(body => '{"a":1}', key => 'none',
                                id => "w$_" . rand);
        $s->flush;
        $s;
    } 1 .. $_[0];
}

sub done {
    my @statuses = map { $nginx->read($_)->{status} } @_;
    close $_ for @_;
    return join ' ', @statuses;
}

sub comes {
    my ($title, $value, $name, @labels) = @_;

    ok $nginx->wait_for(sub {
        $m = Metrics::scrape($nginx);
        my $is = Metrics::value($m, $name, @labels);
        defined $is && $is == $value;
    }, $patience), $title or diag $m->{text};
}

is done(begin(40)), join(' ', (200) x 40), '40 events to four workers';

# whoever answers
comes('... are counted in one', 40, 'attempts_total', endpoint => 'e',
      outcome => 'succeeded') for 1 .. 8;
comes('... so are their answers', 40, 'events_total', source => '/jam',
      result => 'delivered');
is Metrics::value($m, 'attempt_duration_seconds_count', endpoint => 'e'), 40,
   '... and durations';


# a reload, with attempts under way

$target->set('200 delay=1s');
my @clients = begin(12);
comes('12 are under way', 12, 'deliveries_active', endpoint => 'e');

my %old = map { $_ => 1 } $nginx->workers;

ok $nginx->reload, 'a reload';
is Metrics::value(Metrics::scrape($nginx), 'attempts_total',
                  endpoint => 'e', outcome => 'succeeded') >= 40, 1,
   '... counts are kept';
is done(@clients), join(' ', (200) x 12), '... what was under way ends well';
comes('... and is counted', 52, 'attempts_total', endpoint => 'e',
      outcome => 'succeeded');
ok $nginx->wait_for(sub { !grep { Jamhook::Env::is_running($_) }
                          keys %old }), '... the old workers end';
comes('... nothing is under way', 0, 'deliveries_active', endpoint => 'e');


# workers that are killed with what they had under way

$target->set('hang');
@clients = begin(12);
comes('12 are under way', 12, 'deliveries_active', endpoint => 'e');

$nginx->kill_worker($_) for $nginx->workers;
close $_ for @clients;

comes('workers are killed: nothing is', 0, 'deliveries_active',
      endpoint => 'e');
is Metrics::value($m, 'attempts_total', endpoint => 'e',
                  outcome => 'succeeded'), 52, '... counts are kept';

$target->set('200');
is done(begin(8)), join(' ', (200) x 8), '... and it goes on';
comes('... counting', 60, 'attempts_total', endpoint => 'e',
      outcome => 'succeeded');

$nginx->ends_well(expected => [qr/exited on signal 9/]);


# one that dies with a lease: its attempt was interrupted

$target->set('hang | 200');
$nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
                             name => 'lease', timeout => $timeout,
                             server => $server =~
    s/jamhook_sign off;/jamhook_sign off; jamhook_timeout %{timeout}s;/r);
is done(begin(1)), 200, 'an event is stored';
comes('... is under way', 1, 'deliveries_active', endpoint => 'e');

$nginx->kill_worker;
comes('its worker is killed: it was interrupted', 1, 'attempts_total',
      endpoint => 'e', outcome => 'interrupted');
is Metrics::value($m, 'attempt_duration_seconds_bucket', endpoint => 'e',
                  le => '30'), Metrics::value($m, 'attempts_total',
                                       endpoint => 'e', outcome => 'succeeded'),
   '... which has no duration';
comes('... and the next one goes well', 1, 'attempts_total',
      endpoint => 'e', outcome => 'succeeded');
comes('... nothing is under way', 0, 'deliveries_active', endpoint => 'e');

$nginx->ends_well(expected => [qr/exited on signal 9/]);


# a name's count outlives a configuration without it

$nginx = Jamhook::Nginx->new(target => $target->port, name => 'names',
                             server => $server);
is done(begin(2)), '200 200', 'two events';

(my $renamed = $server) =~ s/jamhook_endpoint e/jamhook_endpoint f/;
$renamed =~ s/jamhook_pass e/jamhook_pass f/;
$renamed =~ s/= \/jam/= \/jam2/;

ok $nginx->reload(server => $renamed), 'other names';
$m = Metrics::scrape($nginx);
is Metrics::value($m, 'attempts_total', endpoint => 'f',
                  outcome => 'succeeded'), 0, '... begin at 0';
is Metrics::value($m, 'attempts_total', endpoint => 'e',
                  outcome => 'succeeded'), undef, '... the old ones are gone';

ok $nginx->reload(server => $server), 'the old names again';
comes('... are where they were', 2, 'attempts_total', endpoint => 'e',
      outcome => 'succeeded');

ok $nginx->upgrade, 'a binary upgrade';
comes('... begins anew', 0, 'attempts_total', endpoint => 'e',
      outcome => 'succeeded');

$nginx->ends_well;

done_testing;
