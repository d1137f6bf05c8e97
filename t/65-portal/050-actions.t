# What each action does, with real deliveries.
# modes: plain san palloc
# stores: sqlite pgsql pgsql-palloc

use lib 't/lib', 't/65-portal';
use Test::More;
use Jamhook::Nginx;
use Portal;

my $target = Jamhook::Target->new;
my $patience = 10 * $Jamhook::Env::PATIENCE;

sub endpoint {
    my ($name, $rules) = @_;

    return "location = /$name { jamhook_endpoint $name; jamhook_sign off;"
           . " $rules proxy_pass http://127.0.0.1:%{target}/$name; }\n";
}

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 2, server => q{
        location = /jam {
            jamhook_pass    a b;
            jamhook_verify  keys/P1.key;
        }
        location = /more {
            jamhook_pass    a b c;
            jamhook_verify  keys/P1.key;
        }
        location = /hush {
            jamhook_pass    quiet;
            jamhook_verify  keys/P1.key;
        }
        location /fin {
            jamhook_endpoint   fin;
            jamhook_connector  intercom_fin;
            jamhook_sign       off;
            proxy_pass         http://127.0.0.1:%{target}/secret;
        }
        location = /refused {
            jamhook_endpoint  refused;
            jamhook_events    jam.created intercom.*;
            jamhook_sign      keys/S1.key;
            proxy_pass        http://127.0.0.1:%{refused};
        }
        location /jamhook/ { jamhook_portal; }
    }
    . endpoint('a', 'jamhook_retry off;')
    . endpoint('b', 'jamhook_retry off;')
    . endpoint('c', 'jamhook_retry 1h;')
    . endpoint('quiet', 'jamhook_retry off; jamhook_timeout 500ms;'));

my $store = $nginx->store;

sub came {
    my ($path) = @_;

    return grep { $_->{path} eq $path } $target->requests;
}

sub key {
    my ($request) = @_;

    return (Jamhook::Target::header($request, 'idempotency-key'))[0];
}

# so that each answers no earlier than the worker knows of what was done
sub ended { return $store->idle($patience) }

sub deliveries {
    my ($id) = @_;

    return { map { $_->{endpoint} => $_ }
             @{ data($nginx, "api/events/$id")->{deliveries} } };
}


# replay

$target->set("/a 200\n/b 500");
post($nginx, 'msg_1');
ok ended(), 'an event is delivered to one, and fails at another';

my $answer = call($nginx, POST => 'api/events/msg_1/replay',
                  { endpoint => 'b' });

is_deeply $answer->{json}, { replayed => 1 }, 'it is replayed to one';
ok ended(), '... and sent';
is scalar(came('/a')), 1, '... not to the other';
is scalar(came('/b')), 2, '... and to this one';
isnt key((came('/b'))[0]), key((came('/b'))[1]), '... with a key of its own';

my $b = deliveries('msg_1')->{b};

is "$b->{state} $b->{attempt_count} $b->{replays}", 'failed 2 1',
   '... and so it is told';
is join(' ', map { $_->{trigger} } @{ $b->{attempts} }), 'scheduled manual',
   '... with its trigger';

$target->set('200');
$answer = call($nginx, POST => 'api/events/msg_1/replay');
is_deeply $answer->{json}, { replayed => 2 }, 'it is replayed to all';
ok ended(), '... and sent';
is scalar(came('/a')) . scalar(came('/b')), '23', '... to each of them';
is deliveries('msg_1')->{b}{state}, 'succeeded', '... and well';
ok $nginx->wait_log(qr/\[notice\].*jamhook portal: event "msg_1" replayed, deliveries: 2, client: 127\.0\.0\.1/),
   '... the log tells who did it';

is problem(call($nginx, POST => 'api/events/msg_1/replay',
                { endpoint => 'c' })),
   '404 not_found endpoint', 'not to one that its location does not pass to';
is scalar(came('/c')), 0, '... nothing is sent there';

# one that the location passes to, and that it was not for

post($nginx, 'msg_more', uri => '/more');
ok ended(), 'an event for three';

$nginx->store->change("delete from deliveries where endpoint ="
                      . " (select id from endpoints where name = 'c')");
is_deeply [sort keys %{ deliveries('msg_more') }], [qw(a b)],
          '... of which one was not known then';

my $n = came('/c');

is_deeply call($nginx, POST => 'api/events/msg_more/replay',
               { endpoint => 'c' })->{json}, { replayed => 1 },
          'it can be given to that one';
ok ended(), '... and is sent';
is scalar(came('/c')), $n + 1, '... to it';
is deliveries('msg_more')->{c}{replays}, 0, '... for the first time';

# while it is sent

$target->set("/quiet hang");
post($nginx, 'msg_hang', uri => '/hush');
ok $store->wait_until(sending => 1), 'an event is being sent';
is problem(call($nginx, POST => 'api/events/msg_hang/replay')),
   '409 conflict', '... and cannot be replayed';
is problem(call($nginx, POST => 'api/events/msg_hang/replay',
                { endpoint => 'quiet' })),
   '409 conflict', '... nor to this endpoint';
is problem(call($nginx, DELETE => 'api/events/msg_hang')),
   '409 conflict', '... nor forgotten';
is data($nginx, 'api/events?state=sending')->{data}[0]{id}, 'msg_hang',
   '... and is listed so';
ok $store->wait_until(sending => 0, seconds => $patience), '... till it ends';


# recover

$target->set("/c 500\n/a 500\n/b 200");
my @at = (time - 3600, time + 3600);
my @iso = map { POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_) } @at;

post($nginx, "msg_r$_", uri => '/more') for 1 .. 3;
ok $store->wait_until(endpoint => 'a', sending => 0, failed => 3),
   'three events fail at one';
ok $store->wait_until(endpoint => 'c', sending => 0, pending => 3),
   '... and wait for another try at another';

$target->set('200');
is_deeply call($nginx, POST => 'api/endpoints/a/recover',
               { until => $iso[0] })->{json}, { replayed => 0 },
          'those before their time are recovered: none';
is_deeply call($nginx, POST => 'api/endpoints/a/recover',
               { since => $iso[1] })->{json}, { replayed => 0 },
          '... those after it: none';
is_deeply call($nginx, POST => 'api/endpoints/a/recover',
               { since => $iso[0], until => $iso[1] })->{json},
          { replayed => 3 }, '... those in between: all';
ok $store->wait_until(endpoint => 'a', failed => 0, pending => 0,
                      sending => 0, seconds => $patience), '... and sent';
is $store->counts('c')->{pending}, 3, '... the other endpoint is left alone';
is_deeply call($nginx, POST => 'api/endpoints/c/recover')->{json},
          { replayed => 3 }, 'what waits is recovered too';
ok ended(), '... and sent at once';
is deliveries('msg_r1')->{c}{state}, 'succeeded', '... and well';


# pause and resume

is_deeply call($nginx, POST => 'api/endpoints/a/pause')->{json},
          { name => 'a', state => 'paused', reason => 'manual' },
          'an endpoint is paused';

my $ep = data($nginx, 'api/endpoints/a');

is "$ep->{state} $ep->{reason}", 'paused manual', '... and says so';
like $ep->{paused_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
     '... and since when';

# the other worker hears of it within a second
$nginx->wait_for(sub { 0 }, 1.2);
$n = came('/a');
post($nginx, 'msg_p1');
post($nginx, 'msg_p2');
ok $store->wait_until(endpoint => 'b', pending => 0, sending => 0),
   '... others get their events';
is scalar(came('/a')), $n, '... it gets none';

my $a = deliveries('msg_p1')->{a};

is "$a->{state} $a->{reason}", 'paused manual', '... its deliveries are held';
is $a->{next_attempt_at}, undef, '... without a time';
is_deeply [map { $_->{id} } @{ data($nginx,
               'api/events?state=paused&endpoint=a')->{data} }],
          [qw(msg_p2 msg_p1)], '... and listed so';
is_deeply call($nginx, POST => 'api/events/msg_1/replay',
               { endpoint => 'a' })->{json}, { replayed => 1 },
          '... a replay to it is taken';
is deliveries('msg_1')->{a}{state}, 'paused', '... and waits as well';

$answer = call($nginx, POST => 'api/endpoints/a/test');
is $answer->{json}{result}, 'succeeded', '... a test gets through';
is scalar(came('/a')), $n + 1, '... and it alone';

is_deeply call($nginx, POST => 'api/endpoints/a/resume')->{json},
          { name => 'a', state => 'active', released => 3 },
          'it is resumed';
ok ended(), '... and gets what was held';
is scalar(came('/a')), $n + 4, '... all of it';
is_deeply call($nginx, POST => 'api/endpoints/a/resume')->{json},
          { name => 'a', state => 'active', released => 0 },
          '... to resume it again does nothing';
ok $nginx->wait_log(qr/\[notice\].*jamhook portal: endpoint "a" paused/),
   '... the log tells';
ok $nginx->wait_log(qr/\[notice\].*jamhook portal: endpoint "a" resumed, deliveries: 3/),
   '... of both';


# test

my $rows = $store->value('select count(*) from attempts');
my $stats = data($nginx, 'api/stats')->{totals};

$answer = call($nginx, POST => 'api/endpoints/fin/test',
               { conversation_id => '4711' });
is $answer->{status}, 200, 'a test for Fin';
is scalar(came('/secret/4711')), 1, '... goes to its conversation';
is $answer->{json}{trigger}, 'test', '... says what it was';
is $answer->{json}{response}{status}, 200, '... and what came back';
like $answer->{json}{request}{body},
     qr/^\{"event":"intercom\.recorder\.recorded","payload":\{"conversationId":"4711"/,
     '... and what was sent';
unlike $answer->{body}, qr/secret/, '... but not where to';

$answer = call($nginx, POST => 'api/endpoints/fin/test',
    { conversation_id => '1', type => 'intercom.recorder.opted_out' });
like $answer->{json}{request}{body},
     qr/^\{"event":"intercom\.recorder\.opted_out","payload":\{"conversationId":"1"\}\}$/,
     'of who opted out there is no Jam';

$answer = call($nginx, POST => 'api/endpoints/refused/test');
is "$answer->{status} $answer->{json}{result} $answer->{json}{error}",
   '200 failed connect', 'a test whose target cannot be reached';
ok !exists $answer->{json}{response}, '... has no response';
is $Portal::JSON->decode($answer->{json}{request}{body})->{type},
   'jam.created', '... its type is the first that has no "*"';

$target->set("/b 500 body=no\n/quiet hang");
$answer = call($nginx, POST => 'api/endpoints/b/test', { type => 'x.y' });
is "$answer->{json}{result} $answer->{json}{response}{status}"
   . " $answer->{json}{response}{body}", 'failed 500 no',
   'one whose target fails';

$answer = call($nginx, POST => 'api/endpoints/quiet/test');
is "$answer->{json}{result} $answer->{json}{error}", 'failed timeout',
   'one whose target says nothing';
cmp_ok $answer->{json}{duration}, '>=', 490, '... as long as it may';

# the client leaves
my $s = $nginx->connect;
print $s request(POST => 'api/endpoints/quiet/test');
$s->flush;
ok $nginx->wait_for(sub { came('/quiet') >= 3 }), 'a test is under way';
close $s;
is data($nginx, 'api/status')->{store}{state}, 'well',
   '... its client leaves, and all goes on';

is $store->value('select count(*) from attempts'), $rows,
   'no test is kept';
is_deeply data($nginx, 'api/stats')->{totals}, $stats, '... nor counted';
is data($nginx, 'api/endpoints/b')->{state}, 'active', '... nor pauses';


# forget

$target->set('/a 200 "X-Answer: said-to-me" body=said-in-the-body' . "\n/b 500");
post($nginx, 'msg_secret',
     body => '{"id":"evt_forget","type":"intercom.recorder.recorded",'
             . '"created_at":"2026-01-01T00:00:00Z","data":{'
             . '"conversationId":"conv-forget","jamId":"jam-forget",'
             . '"recording_url":"https://jam.dev/r/url-forget"}}',
     with => '"X-From: header-forget"');
ok ended(), 'an event of a customer';

my $event = data($nginx, 'api/events/msg_secret');

is $event->{conversation_id}, 'conv-forget', '... is there';
is $event->{headers}{'x-from'}, 'header-forget', '... with its headers';

is_deeply call($nginx, DELETE => 'api/events/msg_secret')->{json},
          { id => 'msg_secret', forgotten => 1 }, '... and is forgotten';

$answer = call($nginx, GET => 'api/events/msg_secret');
$event = $answer->{json};
is "$event->{id} $event->{forgotten} $event->{size}", 'msg_secret 1 0',
   '... it was there, and no more';
is $event->{body}, undef, '... no body';
is $event->{headers}, undef, '... no headers';
unlike $answer->{body}, qr/forget(?!ten)|said-/, '... nothing of it is told';
is scalar @{ $event->{deliveries} }, 2, '... its deliveries are';
is $event->{deliveries}[0]{attempts}[0]{response}{status}, 200,
   '... and what came of them';
is scalar @{ data($nginx, 'api/events?conversation_id=conv-forget')->{data} },
   0, '... it is not found by its conversation';
is problem(call($nginx, POST => 'api/events/msg_secret/replay')),
   '404 not_found', '... nor replayed';
is call($nginx, DELETE => 'api/events/msg_secret')->{status}, 200,
   '... forgetting it again is well';
ok $nginx->wait_log(qr/\[notice\].*jamhook portal: event "msg_secret" forgotten/),
   '... the log tells';

$nginx->ends_well;

my $text = $store->text;

like $text, qr/msg_secret/, 'the store';
unlike $text, qr/conv-forget|url-forget|header-forget|said-in|said-to/,
       '... has nothing of it left';

done_testing;
