# What is counted without a store: each answer to an event, each outcome.

use lib 't/lib', 't/66-metrics';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Metrics;

my $target = Jamhook::Target->new('200 delay=30ms');
my @many = map { "/many$_" } 1 .. 256;

sub endpoint {
    my ($name, $more) = @_;

    return "location /$name { jamhook_endpoint $name; jamhook_sign off;\n"
           . "$more }\n";
}

my $proxy = 'proxy_pass http://127.0.0.1:%{target};';

my $nginx = Jamhook::Nginx->new(target => $target->port, http => q{
    resolver 127.0.0.1:%{refused} valid=1s;
    resolver_timeout 100ms;
    client_max_body_size 2k;
}, server => q{
    location = /metrics { jamhook_metrics; }
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key;
        if ($arg_if) { jamhook_tolerance 1h; } }
    location = /fin-only { jamhook_pass fin; jamhook_verify keys/P1.key; }
    location = "/odd\"\\\\\n{é}" { jamhook_pass e; jamhook_verify off; }
    location = "/bytes} . "\xff\xed\xa0\x80\xc3" . q{" {
        jamhook_pass e; jamhook_verify off; }
} . endpoint('e', $proxy)
  . endpoint('fin', "jamhook_connector intercom_fin; $proxy")
  . endpoint('refused', 'proxy_pass http://127.0.0.1:%{refused};')
  . endpoint('hang', "jamhook_timeout 1s; $proxy")
  . endpoint('bad', $proxy)
  . endpoint('nginx', "return 200; $proxy")
  . endpoint('resolve', 'set $h a.invalid; proxy_pass http://$h;')
  . endpoint('wrong', 'set $h ""; proxy_pass $h;')
  . join('', map { "location = /to-$_ { jamhook_pass $_;"
                   . ' jamhook_verify off; }' }
                 qw(refused hang bad nginx resolve wrong)));

my ($m, $before, $n);

sub put { return $nginx->send(Jamhook::event(id => 'm' . ++$n, @_)) }

# an event's answer, and what it added to which series
sub adds {
    my ($title, $status, $source, $result, $answer) = @_;
    my $name = qq{jamhook_events_total{source="$source",result="$result"}};

    is $answer->{status}, $status, $title;

    $m = Metrics::scrape($nginx);

    my %added = map { $_ => $m->{values}{$_} - $before->{values}{$_} }
                grep { $m->{values}{$_} != $before->{values}{$_} }
                grep { /^jamhook_events_total/ } keys %{ $m->{values} };

    is_deeply \%added, { $name => 1 }, "... is counted as $result"
        or diag explain \%added;

    $before = $m;
}


# from the start

$before = Metrics::scrape($nginx);

is_deeply [Metrics::problems($before)], [], 'nothing is wrong with the form';
is scalar(grep { /^jamhook_events_total\{source="\/jam"/ }
          keys %{ $before->{values} }), 15, 'each result and code is there';
is scalar(grep { /^jamhook_attempts_total\{endpoint="e"/ }
          keys %{ $before->{values} }), 11, '... and each outcome';
is_deeply [grep { $before->{values}{$_} != 0 && !/build_info/ }
           keys %{ $before->{values} }], [], '... at 0';
is scalar(grep { /store|pending|paused|failed\{/ }
          grep { !/result="stored"/ } keys %{ $before->{values} }), 0,
   'nothing is said of a store that is not there';
is $before->{values}{'jamhook_event_last_timestamp_seconds'
                     . '{source="/odd\"\\\\\n{é}"}'}, 0,
   'a name is escaped';
is $before->{values}{'jamhook_event_last_timestamp_seconds{source="/bytes'
                     . "\xef\xbf\xbd" x 2 . '"}'},
   undef, 'bytes that are no UTF-8 ...';
is $before->{values}{'jamhook_event_last_timestamp_seconds{source="/bytes'
                     . "\xef\xbf\xbd" x 5 . '"}'},
   0, '... are replaced';


# answers

adds('an event', 200, '/jam', 'delivered', put(body => '{"a":1}'));

my $last = Metrics::value($m, 'event_last_timestamp_seconds',
                          source => '/jam');
ok abs(time - $last) < 60, '... and when it came';

adds('an event in an "if"', 200, '/jam', 'delivered',
     put(body => '{"a":1}', uri => '/jam?if=1'));
adds('no JSON', 400, '/jam', 'body_invalid', put(body => '{'));
adds('no signature', 401, '/jam', 'signature_missing',
     put(body => '{}', key => 'none'));
adds('a wrong one', 401, '/jam', 'signature_invalid',
     put(body => '{}', key => 'P2'));
adds('an old one', 401, '/jam', 'timestamp_invalid',
     put(body => '{}', ts => -400));
adds('another method', 405, '/jam', 'method_not_allowed',
     $nginx->get('/jam'));
adds('another type', 415, '/jam', 'media_type_unsupported',
     put(body => '{}', type => 'text/plain'));
adds('no conversation', 422, '/fin-only', 'event_invalid',
     put(body => '{"id":"evt_1","type":"intercom.recorder.recorded",'
                 . '"created_at":"2025-09-09T12:00:00Z","data":{}}',
         uri => '/fin-only'));
adds('a type that nobody wants', 200, '/fin-only', 'ignored',
     put(body => '{"type":"jam.created"}', uri => '/fin-only'));

# nginx's own 413 of a Content-Length comes before the location's handler
adds('a body that is too large', 413, '/jam', 'body_too_large',
     put(body => '{"a":"' . 'x' x 3000 . '"}', chunked => 1000));

is Metrics::value($m, 'attempts_total', endpoint => 'e',
                  outcome => 'succeeded'), 2, 'two were sent';


# outcomes

sub outcome {
    my ($endpoint, $outcome, $status, $result) = @_;

    my $was = Metrics::value($before, 'attempts_total', endpoint => $endpoint,
                             outcome => $outcome);

    adds("$outcome of $endpoint", $status, "/to-$endpoint",
         $result || 'delivery_failed',
         put(body => '{}', uri => "/to-$endpoint"));

    is Metrics::value($m, 'attempts_total', endpoint => $endpoint,
                      outcome => $outcome), $was + 1,
       '... is counted as what came of it';
}

$target->set('/ 200 delay=30ms
/hang hang
/bad 302 | 404 | 500 | 503 | garbage');

outcome('refused', 'connect', 502);
outcome('hang', 'timeout', 504);
outcome('bad', 'status_3xx', 502);
outcome('bad', 'status_4xx', 502);
outcome('bad', 'status_5xx', 502);
outcome('bad', 'status_5xx', 503, 'unavailable');
outcome('bad', 'invalid', 502);
outcome('nginx', 'answered_by_nginx', 502);
outcome('resolve', 'resolve', 502);
outcome('wrong', 'misconfigured', 502);


# durations

is_deeply [Metrics::problems($m)], [], 'nothing is wrong with the form';

for my $e (qw(e hang bad refused)) {
    my $attempts = 0;
    $attempts += $m->{values}{$_}
        for grep { /^jamhook_attempts_total\{endpoint="$e"/ }
            keys %{ $m->{values} };

    is Metrics::value($m, 'attempt_duration_seconds_count', endpoint => $e),
       $attempts, "$e: as many durations as attempts";
}

my $sum = Metrics::value($m, 'attempt_duration_seconds_sum', endpoint => 'e');
ok $sum >= 0.06 && $sum < 60, '... their sum is that of two' or diag $sum;
is Metrics::value($m, 'attempt_duration_seconds_bucket', endpoint => 'e',
                  le => '0.025'), 0, '... and none was shorter than it took';
ok Metrics::value($m, 'attempt_duration_seconds_sum', endpoint => 'hang')
   >= 0.5, 'a timeout took about as long';


# under way

$target->set('/e hang');
my @clients = map {
    my $s = $nginx->connect;
    print $s Jamhook::event(id => "active$_", body => '{"a":1}');
    $s->flush;
    $s;
} 1 .. 3;

ok $nginx->wait_for(sub {
    (Metrics::value(Metrics::scrape($nginx), 'deliveries_active',
                    endpoint => 'e') || 0) == 3
}), 'attempts under way are there while they are';

close $_ for @clients;
$nginx->signal('QUIT');
$nginx->kill_all;


# as many locations as are counted, and more

$nginx->configure(http => '', server => q{
    location = /metrics { jamhook_metrics; }
} . endpoint('e', $proxy)
  . join("\n", map { "location = $_ { jamhook_pass e; jamhook_verify off; }" }
                   @many, '/more1', '/more2'));
$target->set('200');

my ($well, $said) = $nginx->test;
ok $well, '258 locations';
is scalar(() = $said =~ /are not counted: there are 256 other names/g), 2,
   '... of which two are not counted, as nginx -t says' or diag $said;
like $said, qr{location "/more2" with "jamhook_pass" are not .* in .*:\d+},
     '... with their names and places';

$nginx->start;
is put(uri => $_, body => '{}', key => 'none')->{status}, 200, "$_ works"
    for '/many256', '/more1';

$m = Metrics::scrape($nginx);
is Metrics::value($m, 'events_total', source => '/many256',
                  result => 'delivered'), 1, '... the last one is counted';
unlike $m->{text}, qr{/more}, '... the next is not';
is_deeply [Metrics::problems($m)], [], '... nothing is wrong with the form';

$nginx->ends_well;

done_testing;
