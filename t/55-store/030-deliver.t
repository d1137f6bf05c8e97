# The first attempt of a delivery that is kept: when it is made, what it sends,
# and what is recorded of it.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use JSON::PP ();
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

# what a killed worker had goes on when its lease is over, in one of the stores
my $timeout = $Jamhook::Env::STORE eq 'pgsql' ? 3 : 12;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    timeout => $timeout,
    http => 'log_format told \'$jamhook_endpoint $jamhook_attempt $jamhook_id'
          . ' $jamhook_result\';',
    server => q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /jam-fin { jamhook_pass fin; jamhook_verify keys/P1.key; }
    location = /jam-both { jamhook_pass e fin; jamhook_verify keys/P1.key; }
    location = /jam-odd { jamhook_pass odd; jamhook_verify keys/P1.key; }

    location = /e {
        access_log logs/told.log told;
        log_subrequest on;
        jamhook_endpoint e;
        jamhook_sign keys/S1.key;
        jamhook_retry 1100ms 10ms;
        jamhook_timeout %{timeout}s;
        proxy_set_header X-Attempt $jamhook_attempt;
        proxy_set_header X-Secret hidden-a;
        proxy_pass http://127.0.0.1:%{target}/e;
    }

    location /fin {
        jamhook_endpoint fin;
        jamhook_connector intercom_fin;
        jamhook_sign keys/S2.key;
        jamhook_retry 20ms;
        set $values "$jamhook_id $jamhook_event_id $jamhook_type ";
        set $values "$values$jamhook_created_at $jamhook_conversation_id ";
        set $values "$values$jamhook_jam_id $jamhook_recording_url ";
        proxy_set_header X-Values "$values$jamhook_endpoint";
        proxy_pass http://127.0.0.1:%{target}/fin;
    }

    location = /jam-few { jamhook_pass few; jamhook_verify keys/P1.key; }

    location = /few {
        jamhook_endpoint few;
        jamhook_sign keys/S1.key;
        jamhook_max_active 2;
        proxy_pass http://127.0.0.1:%{target}/few;
    }

    location = /odd {
        jamhook_endpoint odd;
        jamhook_sign off;
        jamhook_retry off;
        proxy_pass http://127.0.0.1:%{refused};
    }
});

my $store = $nginx->store;
my $patience = 10 * $Jamhook::Env::PATIENCE;
my $BODY = '{"id":"evt_12345","type":"intercom.recorder.recorded",'
    . '"created_at":"2025-09-09T12:00:00Z","data":{"conversationId":'
    . '"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",'
    . '"recording_url":"https://jam.dev/r/rec_12345"}}';
my $FIN = '{"event":"intercom.recorder.recorded","payload":{"conversationId":'
    . '"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",'
    . '"recording_url":"https://jam.dev/r/rec_12345"}}';

sub post {
    my ($id, %e) = @_;

    return $nginx->send(Jamhook::event(id => $id, body => $BODY, %e))
                 ->{status};
}

my $from = 0;

# what came to the target since the last time, once at least n are there
sub came {
    my ($n) = @_;

    my @all = $target->wait($from + $n, $patience);
    my @new = @all[$from .. $#all];

    $from = @all;

    return @new;
}

sub attempts {
    my ($id) = @_;

    return $store->rows('select a.*, hex(a.request_body) as sent,'
                        . ' a.request_body is null as same, p.name'
                        . ' from attempts a join events e on e.seq = a.event'
                        . ' join endpoints p on p.id = a.endpoint'
                        . " where e.id = '$id' order by a.seq");
}

# headers of a record, by name in lower case
sub headers {
    my ($text) = @_;

    my %h;
    push @{ $h{lc $_->[0]} }, $_->[1] for @{ JSON::PP->new->decode($text) };

    return \%h;
}

# the commit comes first

$target->set('hang');
is post('msg_hang'), 200, 'the sender is answered';

my ($request) = came(1);

# nothing is written from here on before the attempt ends
my $row = $store->row('select e.id, hex(e.body) as body, d.state, d.attempts,'
                      . ' d.lease_owner from events e join deliveries d'
                      . ' on d.event = e.seq');

is $row->{id}, 'msg_hang', 'the event is committed when the target is asked';
is pack('H*', $row->{body}), $request->{body}, '... with its body';
is $row->{state}, 1, '... and its delivery is "sending"';
is $row->{attempts}, 1, '... for the first time';
ok length $row->{lease_owner}, '... by somebody who has a name';
is scalar(my @none = attempts('msg_hang')), 0,
   'the attempt is not recorded yet';

$target->set('200');
$nginx->kill_worker;
ok $store->idle($patience + $store->takeover($timeout)), 'it ends after all';
came(1);

# what is sent

is post('msg_1'), 200, 'an event';
($request) = came(1);
is "$request->{method} $request->{path}", 'POST /e', 'it goes to the URL';
is $request->{body}, $BODY, '... as received';
is Jamhook::Sign::fault($request, 'webhook', 'S1'), undef, '... signed';
is scalar(Jamhook::Target::header($request, 'webhook-id')), 'msg_1',
   '... with its id';
is scalar(Jamhook::Target::header($request, 'X-Attempt')), 1,
   '$jamhook_attempt is 1 in the location';
like scalar(Jamhook::Target::header($request, 'User-Agent')), qr{^jamhook/\d},
     'User-Agent';
ok $store->idle($patience), 'it is delivered';
ok $nginx->wait_for(sub {
    Jamhook::Env::slurp($nginx->dir . '/logs/told.log')
        =~ /^e 1 msg_1 succeeded$/m;
}), "... which the location's access log tells";

# its record

my ($attempt) = attempts('msg_1');

is_deeply { map { $_ => $attempt->{$_} }
            qw(number trigger result status truncated error name same) },
          { number => 1, trigger => 0, result => 0, status => 200,
            truncated => 0, error => undef, name => 'e', same => 1 },
          'the attempt is recorded, and no body where it is the event\'s';
cmp_ok abs($attempt->{started_at} / 1000 - $request->{at}), '<', 30,
       '... when it started';
cmp_ok $attempt->{duration}, '<', 1000 * $patience, '... how long it took';
is $attempt->{response_body}, '{"ok":true}', "... the answer's body";

my $sent = headers($attempt->{request_headers});

is_deeply $sent->{lc $_}, [Jamhook::Target::header($request, $_)],
          "... $_ as it was sent"
    for qw(webhook-id webhook-timestamp webhook-signature Idempotency-Key
           User-Agent Content-Type);
is_deeply $sent->{'content-length'}, [length $BODY], '... the length';
unlike $attempt->{request_headers}, qr/hidden|secret|svix|attempt/i,
       '... and nothing that others set, or the sender sent';
is_deeply headers($attempt->{response_headers})->{'content-type'},
          ['application/json'], "... the answer's headers";

is post('msg_fin', uri => '/jam-fin'), 200, 'an event for Fin';
($request) = came(1);
is "$request->{method} $request->{path}", 'POST /fin/215470686832743',
   '... goes to the conversation';
is $request->{body}, $FIN, '... in its form';
is Jamhook::Sign::fault($request, 'webhook', 'S2'), undef,
   '... signed as it is sent';
ok $store->idle($patience), 'it is delivered';
($attempt) = attempts('msg_fin');
is pack('H*', $attempt->{sent}), $FIN, '... and recorded in its form';

# answers

$target->set(q(200 "Set-Cookie: s=hidden-b" "set-cookie: t=hidden-c")
             . q( "X-Api-Key: hidden-d" "X-Plain: seen" body=plain));
is post('msg_cookie'), 200, 'an event whose answer has cookies';
came(1);
ok $store->idle($patience), '... is delivered';
($attempt) = attempts('msg_cookie');
is_deeply headers($attempt->{response_headers})->{'set-cookie'},
          ['***', '***'], '... and they are masked';
is_deeply headers($attempt->{response_headers})->{'x-plain'}, ['seen'],
          '... but nothing else is';
unlike $attempt->{response_headers}, qr/hidden/, '... no value is kept';

for my $case (
    [16384, 16384, 0, 'of 16 KiB is kept'],
    [16385, 16384, 1, 'of a byte more is cut there'],
    [3 * 1024 * 1024, 16384, 1, 'of 3 MB is cut too'],
    [0, undef, 0, 'of nothing is absent'],
) {
    my ($bytes, $kept, $truncated, $name) = @$case;

    $target->set("200 bytes=$bytes");
    is post("msg_bytes_$bytes"), 200, "an answer";
    came(1);
    ok $store->idle($patience), '... comes';
    my $row = $store->row('select length(response_body) as n, truncated,'
                          . ' result from attempts order by seq desc limit 1');
    is_deeply $row, { n => $kept, truncated => $truncated, result => 0 },
              "... a body $name";
}

$target->set('200 body=caf' . "\xc3\xa9\xff");
is post('msg_binary'), 200, 'an answer that is no text';
came(1);
ok $store->idle($patience), '... comes';
is $store->value('select hex(response_body) from attempts'
                 . ' order by seq desc limit 1'), '636166C3A9FF',
   '... and its bytes are kept';

$target->set('204');
is post('msg_204'), 200, 'an answer without a body';
came(1);
ok $store->idle($patience), '... succeeds';
is +(attempts('msg_204'))[0]{status}, 204, '... its status is recorded';

is post('msg_odd', uri => '/jam-odd'), 200,
   'the sender is told nothing of a target that is not there';
ok $store->wait_until(endpoint => 'odd', failed => 1, seconds => $patience),
   '... the delivery fails';
($attempt) = attempts('msg_odd');
is_deeply { map { $_ => $attempt->{$_} }
            qw(result status error response_headers response_body) },
          { result => 1, status => 0, error => 'connect',
            response_headers => undef, response_body => undef },
          '... without a response its record has an error';
is headers($attempt->{request_headers})->{'idempotency-key'}[0] =~ /^[-\w]+$/,
   1, '... and the request all the same';

# two endpoints

$target->set("/e 200 delay=1s\n/fin 200");
is post('msg_both', uri => '/jam-both'), 200, 'an event for two endpoints';
ok $store->wait_until(endpoint => 'fin', pending => 0, sending => 0,
                      seconds => $patience), 'one that answers at once';
ok $store->idle($patience), '... does not wait for the other';
is join(' ', sort map { $_->{path} } came(2)), '/e /fin/215470686832743',
   'both get it';
is join(' ', map { $_->{name} } attempts('msg_both')), 'fin e',
   '... and their attempts are recorded as they end';

# a client that leaves

$target->set('200');

my $s = $nginx->connect;
print $s Jamhook::event(id => 'msg_left', body => $BODY);
$s->flush;
close $s;
is scalar(came(1)), 1, 'an event whose sender left is delivered';
ok $store->idle($patience), '... and';
is $store->value("select count(*) from show_attempts where id = 'msg_left'"
                 . " and result = 'succeeded'"), 1, '... recorded';

# tries of one delivery

$target->set('/e 500 | 503 | 200');
is post('msg_again'), 200, 'an event that is delivered at the third try';
my @tries = came(3);
ok $store->idle($patience), '... is delivered';

my %seen;

for my $try (@tries) {
    is Jamhook::Sign::fault($try, 'webhook', 'S1'), undef, 'a try is signed';
    is $try->{body}, $BODY, '... and has the same body';
    $seen{$_}{ Jamhook::Target::header($try, $_) } = 1
        for qw(webhook-id webhook-timestamp webhook-signature
               Idempotency-Key X-Attempt);
}

is_deeply [keys %{ $seen{'webhook-id'} }], ['msg_again'], 'the id stays';
is scalar(keys %{ $seen{'Idempotency-Key'} }), 1, 'the Idempotency-Key stays';
cmp_ok scalar(keys %{ $seen{'webhook-timestamp'} }), '>', 1,
       'the timestamp is that of the try';
is scalar(keys %{ $seen{'webhook-signature'} }),
   scalar(keys %{ $seen{'webhook-timestamp'} }), '... and so is the signature';
is join(' ', sort keys %{ $seen{'X-Attempt'} }), '1 2 3',
   '$jamhook_attempt counts';

$target->set('/fin 500 | 200');
is post('msg_fin_again', uri => '/jam-fin'), 200,
   'an event that Fin takes at the second try';
@tries = came(2);
ok $store->idle($patience), '... is delivered';

for my $try (@tries) {
    is $try->{path}, '/fin/215470686832743', 'a try goes to the conversation';
    is $try->{body}, $FIN, '... in its form';
    is Jamhook::Sign::fault($try, 'webhook', 'S2'), undef, '... signed';
    is scalar(Jamhook::Target::header($try, 'X-Values')),
       'msg_fin_again evt_12345 intercom.recorder.recorded'
       . ' 2025-09-09T12:00:00Z 215470686832743'
       . ' 9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc https://jam.dev/r/rec_12345'
       . ' fin', '... and the variables have their values';
}

is scalar(Jamhook::Target::header($tries[0], 'Idempotency-Key')),
   scalar(Jamhook::Target::header($tries[1], 'Idempotency-Key')),
   '... with one Idempotency-Key';
is_deeply [map { pack 'H*', $_->{sent} } attempts('msg_fin_again')],
          [$FIN, $FIN], '... and the body of each is recorded';

# more than may be under way

$target->set("/e hang\n/few delay=200ms");
$from = $target->requests;
is post('msg_beside'), 200, 'an event to a target that hangs';
is post("msg_few_$_", uri => '/jam-few'), 200, '... and one to another'
    for 1 .. 10;
ok $store->wait_until(endpoint => 'few', succeeded => 10,
                      seconds => $patience), '... which gets its own';

my @few = map { $_->{at} } grep { $_->{path} eq '/few' } came(11);

is scalar(@few), 10, '... each once';
is scalar(grep { $few[$_] - $few[$_ - 2] < 0.15 } 2 .. 9), 0,
   '... never more than jamhook_max_active at once';
is $store->value("select max(attempts) from show_deliveries where"
                 . " endpoint = 'few'"), 1, '... and a wait is no attempt';

$target->set('200');
$nginx->kill_worker;
ok $store->idle($patience + $store->takeover($timeout)), 'all are delivered';

# with another endpoint or event it is another one

my %idempotency = map { scalar Jamhook::Target::header($_, 'Idempotency-Key')
                        => 1 } $target->requests;
my %deliveries = map { Jamhook::Target::header($_, 'webhook-id') . $_->{path}
                       => 1 } $target->requests;

is scalar(keys %idempotency), scalar(keys %deliveries),
   'each delivery has an Idempotency-Key of its own';

$nginx->ends_well(expected => ['exited on signal 9']);
done_testing;
