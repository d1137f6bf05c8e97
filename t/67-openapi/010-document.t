# The description of the API: sound in itself, and what a running nginx answers.
# Each call is made, and each answer that is described is met, but for those
# that validate.py names.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use JSON::PP ();
use Jamhook::Nginx;

my $TOP = $Jamhook::Env::TOP;
my $DOCUMENT = "$TOP/src/front/page/openapi.json";
my $FIN = '{"type":"intercom.recorder.recorded","data":{"conversationId":'
          . '"215470686832743","jamId":"9573a43b","recording_url":'
          . '"https://jam.dev/r/rec_1"},"id":"evt_1",'
          . '"created_at":"2025-09-09T12:00:00Z","odd":"<\u2028\u0000>"}';

my ($python) = grep { -x && system("$_ -c 'import jsonschema' 2>/dev/null") == 0 }
               '/usr/bin/python3', map { "$_/python3" } split /:/, $ENV{PATH};

BAIL_OUT('no python3 with jsonschema: t/tools/deps.sh test')
    unless defined $python;

my $json = JSON::PP->new->utf8->canonical;

my $target = Jamhook::Target->new(<<'RULES');
/good 200 "Set-Cookie: a=b" "X-Two: 1" "X-Two: 2"
/fin 200 body=ok
/bad 500 bytes=20k
/later 503
/gone 410
/hang hang
/garbage garbage
RULES

sub endpoint {
    my ($name, $more, $url) = @_;

    $url ||= "http://127.0.0.1:%{target}/$name";

    return "location = /to/$name { jamhook_endpoint $name;"
           . " jamhook_sign off; proxy_pass $url; $more }\n";
}

my $names = 'good bad later gone paused refused garbage slow inside';

my $server = qq{
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;

    location = /jam { jamhook_pass $names; jamhook_verify keys/P1.key; }
    location = /fin-in { jamhook_pass fin crooked;
                         jamhook_verify keys/P1.key; }
    location = /long { jamhook_pass hang; jamhook_verify keys/P1.key; }

    location /fin {
        jamhook_endpoint fin;
        jamhook_connector intercom_fin;
        jamhook_sign keys/S1.key;
        proxy_pass http://127.0.0.1:%{target};
    }

    location /crooked {
        jamhook_endpoint crooked;
        jamhook_connector intercom_fin;
        jamhook_sign keys/P4_secret.key;
        jamhook_retry off;
        proxy_pass http://127.0.0.1:%{target}/elsewhere?;
    }

    location /jamhook/ {
        jamhook_portal conversation_url=https://inbox.test/;
    }
} . join '',
    endpoint('good', ''),
    endpoint('bad', 'jamhook_retry off;'),
    endpoint('later', 'jamhook_retry 1h;'),
    endpoint('gone', ''),
    endpoint('paused', ''),
    endpoint('refused', 'jamhook_retry off;', 'http://127.0.0.1:%{refused}'),
    endpoint('garbage', 'jamhook_retry off;'),
    endpoint('slow', 'jamhook_retry off; jamhook_timeout 200ms;',
             'http://127.0.0.1:%{target}/hang'),
    endpoint('inside', 'jamhook_retry off; return 403;'),
    endpoint('hang', 'jamhook_timeout 1h;');

my $removed = endpoint('removed', 'jamhook_retry 1h;',
                       'http://127.0.0.1:%{target}/later')
              . "location = /old { jamhook_pass removed;"
              . " jamhook_verify keys/P1.key; }\n";

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    faults => 1, http => 'client_body_buffer_size 128k;',
    server => $server . $removed);

open my $exchanges, '>', $nginx->dir . '/exchanges' or die $!;

# call('GET /events/{id}', id => 'a', query => {...}, sent => '{}',
#      headers => [...]): makes it and notes it; the answer, parsed
sub call {
    my ($what, %c) = @_;

    my ($method, $path) = split / /, $what;
    my $query = join '&', map { "$_=$c{query}{$_}" }
                          sort keys %{ $c{query} || {} };
    my $uri = "/jamhook/api$path" . (length $query ? "?$query" : '');

    $uri =~ s/\{(\w+)\}/$c{$1}/g;

    my @headers = ('Host: localhost', 'Connection: close',
                   $method =~ /POST|DELETE/ && !$c{bare}
                       ? 'X-Jamhook-Request: 1' : (),
                   @{ $c{headers} || [] });
    my $sent = defined $c{sent} ? $c{sent} : '';

    push @headers, 'Content-Length: ' . length $sent if length $sent;

    my $answer = $nginx->send(join "\r\n", "$method $uri HTTP/1.1", @headers,
                                           '', $sent);

    print $exchanges $json->encode({ method => $method, path => $path,
        query => $c{query}, sent => $c{sent}, status => 0 + $answer->{status},
        headers => $answer->{headers}, body => utf8($answer->{body}) }), "\n";

    $answer->{json} = eval { $json->decode($answer->{body}) };

    return $answer;
}

sub utf8 {
    my ($bytes) = @_;

    utf8::decode($bytes) or fail 'an answer is UTF-8';

    return $bytes;
}

sub event {
    my ($id, $uri, $body) = @_;

    return $nginx->send(Jamhook::event(id => $id, uri => $uri, body => $body
                                       || $FIN))->{status};
}


# what there is to be shown

is call('POST /endpoints/{name}/pause', name => 'paused')->{status}, 200,
   'an endpoint is paused';
is event('all', '/jam'), 200, 'an event to all kinds of targets';
is event('fin', '/fin-in'), 200, 'one for Fin';
is event('old', '/old'), 200, 'one whose endpoint goes';
ok $nginx->store->wait_until(failed => 1, endpoint => 'gone'),
   'one of its targets is gone';
is event('gone', '/jam', '{"type":"a","id":"evt_2"}'), 200,
   'one to be forgotten';
is event('long', '/long'), 200, 'one that is being sent';
is event('all', '/jam', '{}'), 409, 'one that is refused';
is $nginx->send(Jamhook::event(body => '{}', key => 'P2'))->{status}, 401,
   'and another';

ok $nginx->store->wait_until(sending => 1, endpoint => 'hang'),
   'it is being sent';
ok $nginx->store->wait_until(failed => 2, endpoint => $_), "$_ had its tries"
    for qw(bad refused garbage slow inside);
ok $nginx->store->wait_until(succeeded => 2, endpoint => 'good'), 'good too';
ok $nginx->store->wait_until(succeeded => 1, endpoint => 'fin'), 'and fin';
ok $nginx->store->wait_until(failed => 1, endpoint => 'crooked'),
   'and crooked';
ok $nginx->store->wait_until(pending => 1, endpoint => 'removed'),
   'one waits for the endpoint that goes';
ok $nginx->reload(server => $server), 'it goes';
ok $nginx->wait_for(sub {
    (call('GET /status')->{json}{store}{state} || '') eq 'well' }),
   'the store is well';


# reading

my $list = call('GET /events', query => {})->{json};
is scalar @{ $list->{data} }, 5, 'events';

my $page = call('GET /events', query => { limit => 2 })->{json};
ok $page->{next}, 'a list goes on';
call('GET /events', query => { limit => 2, cursor => $page->{next} });
call('GET /events', query => { state => $_ })
    for qw(pending sending succeeded failed paused);
call('GET /events', query => { type => 'a', endpoint => 'good',
    conversation_id => '215470686832743', jam_id => '9573a43b',
    since => '2026-01-01T00:00:00Z', until => '2999-01-01T00:00:00+01:00' });
call('HEAD /events');

my @seen;

for my $id (qw(all fin old gone long)) {
    my $event = call('GET /events/{id}', id => $id)->{json};

    push @seen, map { $_->{state}, $_->{reason} || (),
                      map { $_->{error} || $_->{result} } @{ $_->{attempts} }
                } @{ $event->{deliveries} };
    is $event->{body}, ($id eq 'gone' ? '{"type":"a","id":"evt_2"}' : $FIN),
       "$id: its body";
}

my %seen = map { $_ => 1 } @seen;
ok $seen{$_}, "$_ is shown"
    for qw(pending sending succeeded failed paused manual gone connect timeout
           invalid misconfigured), 'not configured', 'answered by nginx';

is scalar @{ call('GET /endpoints')->{json}{data} }, 13,
   'endpoints, one that is not there among them';
call('GET /endpoints/{name}', name => $_) for qw(good fin paused gone removed);
call('GET /attempts');
call('GET /attempts', query => { endpoint => 'good', result => 'succeeded',
    limit => 1, since => '2026-01-01T00:00:00.5Z',
    until => '2999-01-01T00:00:00z' });
call('GET /stats');
call('GET /stats', query => { window => $_ }) for qw(1h 24h 7d 30d);

my $served = call('GET /openapi.json');
is_deeply $served->{json}, $json->decode(Jamhook::Env::slurp($DOCUMENT)),
          'the document that is served is that of the source';


# acting

call('POST /events/{id}/replay', id => 'all', sent => '{"endpoint":"good"}');
call('POST /events/{id}/replay', id => 'fin', sent => '{"endpoint":null}');
call('POST /events/{id}/replay', id => 'old');
call('POST /endpoints/{name}/recover', name => 'bad',
     sent => '{"since":"2026-01-01T00:00:00Z","until":null}');
call('POST /endpoints/{name}/recover', name => 'good', sent => '{}');
is call('POST /endpoints/{name}/resume', name => 'paused')->{status}, 200,
   'an endpoint is resumed';
call('POST /endpoints/{name}/pause', name => 'good', sent => '{}');
call('POST /endpoints/{name}/resume', name => 'good');

for my $name (qw(good bad refused garbage slow inside)) {
    call('POST /endpoints/{name}/test', name => $name);
}

call('POST /endpoints/{name}/test', name => $_,
     sent => '{"type":"a.b","conversation_id":"12"}') for qw(good fin crooked);

ok $nginx->store->wait_until(sending => 0, endpoint => $_), "$_ is at rest"
    for qw(good bad later gone refused garbage slow inside);
is call('DELETE /events/{id}', id => 'gone')->{status}, 200,
   'an event is forgotten';
is call('GET /events/{id}', id => 'gone')->{json}{body}, undef,
   'and shown so';
call('DELETE /events/{id}', id => 'gone');
call('GET /events');


# being refused

my @all = (['GET /events'], ['GET /events/{id}', id => 'all'],
           ['DELETE /events/{id}', id => 'all'],
           ['POST /events/{id}/replay', id => 'all'], ['GET /endpoints'],
           ['GET /endpoints/{name}', name => 'good'],
           (map { ["POST /endpoints/{name}/$_", name => 'good'] }
            qw(pause resume recover test)),
           ['GET /attempts'], ['GET /stats'], ['GET /status']);

my @none = grep { $_->[1] } map { my ($what, %c) = @$_;
                                  [$what, map { $_ => 'none' } keys %c] } @all;

for my $call (@all, ['GET /openapi.json']) {
    is call(@$call, headers => ['X-Real-IP: 192.0.2.1'])->{status}, 403,
       "$call->[0]: not from everywhere";
}

is call(@$_, query => { typo => 1 })->{status}, 400, "$_->[0]: 400"
    for @all;
is call(@$_)->{status}, 404, "$_->[0]: 404" for @none;

for my $call (grep { $_->[0] !~ /^GET/ } @all) {
    is call(@$call, bare => 1)->{status}, 403, "$call->[0]: must be meant";
    is call(@$call, sent => ' ' x 65537)->{status}, 413, "$call->[0]: 413";
    is call(@$call, sent => $_)->{status}, 400, "$call->[0]: $_"
        for '[]', '{"typo":1}', '{';
}

call('GET /events', query => { $_ => 'x' })
    for qw(state since until limit cursor);
call('GET /attempts', query => { result => 'x' });
call('GET /stats', query => { window => '2h' });
call('POST /events/{id}/replay', id => 'all', sent => "{\"endpoint\":$_}")
    for '"none"', '1', '"fin"';
call('POST /endpoints/{name}/recover', name => 'bad', sent => '{"since":"x"}');
call('POST /endpoints/{name}/test', name => 'fin');
is call('POST /events/{id}/replay', id => 'long')->{status}, 409,
   'no replay of what is being sent';
is call('DELETE /events/{id}', id => 'long')->{status}, 409,
   'nor is it forgotten';
is call('PUT /events')->{status}, 405, 'no such method';
is call('GET /events/a/replay')->{status}, 405, 'nor this one there';
is call('GET /none')->{status}, 404, 'no such call';


# a store that does not work

$nginx->break_store;
ok $nginx->wait_for(sub { event('x', '/jam') == 503 }, 10),
   'a store that does not work';
is call('GET /status')->{json}{store}{state}, 'trouble', 'is told';

for my $call (grep { $_->[0] !~ m{/status$|/test$} } @all) {
    is call(@$call)->{status}, 503, "$call->[0]: 503";
}

$nginx->mend_store;
ok $nginx->wait_for(sub {
    call('GET /status')->{json}{store}{state} eq 'well' }), 'it works again';

close $exchanges;


# what the document says of all this

open my $said, '-|', $python, "$TOP/t/67-openapi/validate.py", $DOCUMENT,
                     $nginx->dir . '/exchanges' or die $!;
my ($plan, $count);

while (<$said>) {
    if (/^(not )?ok \d+ - (.*)/) {
        $count++;
        ok !$1, $2;

    } elsif (/^1\.\.(\d+)/) {
        $plan = $1;

    } else {
        s/^# //;
        diag $_;
    }
}

close $said;
is $plan, $count, 'the document was looked at to the end';

# what hangs would keep it
$target->stop;
$nginx->ends_well(expected => [qr/\[crit\].*jamhook store/]);

done_testing;
