# Answers that end a delivery at once: jamhook_final, and 410.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new;
my $patience = 10 * $Jamhook::Env::PATIENCE;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 2, server => q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /jam-gone { jamhook_pass gone; jamhook_verify keys/P1.key; }
    location = /jam-fin { jamhook_pass fin; jamhook_verify keys/P1.key; }
    location = /jam-all { jamhook_pass gone fin; jamhook_verify keys/P1.key; }
    location = /jam-final {
        jamhook_pass final;
        jamhook_verify keys/P1.key;
    }

    jamhook_retry 20ms 20ms;

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        jamhook_final 404 409;
        proxy_pass http://127.0.0.1:%{target}/e;
    }

    location = /gone {
        jamhook_endpoint gone;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/gone;
    }

    location = /final {
        jamhook_endpoint final;
        jamhook_sign off;
        jamhook_disable_after 1ms;
        jamhook_final 409;
        proxy_pass http://127.0.0.1:%{target}/final;
    }

    location /fin {
        jamhook_endpoint fin;
        jamhook_connector intercom_fin;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/fin;
    }
});

my $store = $nginx->store;
my $serial = 0;

sub post {
    my ($uri, $id, $n) = @_;

    my $conversation = $n || ++$serial;
    my $answer = $nginx->send(Jamhook::event(
        id => $id || "msg_$serial", uri => $uri, body =>
        qq({"id":"evt_$conversation","type":"intercom.recorder.recorded",)
        . qq("created_at":"2025-09-09T12:00:00Z","data":{"conversationId":)
        . qq("$conversation","jamId":"j","recording_url":"https://a/b"}})));

    return $answer->{status} == 200 && $answer->{body} =~ /"result":"(\w+)"/
           ? $1 : $answer->{status};
}

sub came {
    my ($name) = @_;

    return grep { $_->{path} =~ m{^/$name\b} } $target->requests;
}

sub state_of {
    my ($name) = @_;

    return $store->row('select state, reason from show_endpoints where'
                       . " name = '$name'");
}

my $active = { state => 'active', reason => undef };

# jamhook_final

for my $status (404, 409) {
    $target->set("/e $status");
    my $before = $store->counts('e')->{failed};

    is post('/jam'), 'stored', "an event that is answered with $status";
    ok $store->wait_until(endpoint => 'e', failed => $before + 1, pending => 0,
                          sending => 0, seconds => $patience),
       '... a status of jamhook_final, fails at once';
    is scalar(my @once = came('e')), $before + 1, '... without another try';
    my $said = qr/\[error\].*given up after attempt 1, endpoint: "e"/;
    ok $nginx->wait_for(sub { $nginx->logged($said) == $before + 1 }),
       '... with an error';
    is_deeply state_of('e'), $active, '... and pauses nothing';
}

$target->set('/e 405 | 500 | 409');
is post('/jam'), 'stored', 'an event that is answered with others first';
ok $store->wait_until(endpoint => 'e', failed => 3, seconds => $patience),
   '... fails when one of jamhook_final comes';
is_deeply [map { $_->{status} } $store->rows('select status from attempts'
                                             . ' order by seq desc limit 3')],
          [409, 500, 405], '... after those';

$target->set('/e 200');
is post('/jam'), 'stored', 'the next event';
ok $store->wait_until(endpoint => 'e', succeeded => 1, seconds => $patience),
   '... is delivered';

# it is no reason for jamhook_disable_after

$target->set('/final 409');

for my $n (1 .. 3) {
    is post('/jam-final'), 'stored', 'an event for another';
    ok $store->wait_until(endpoint => 'final', failed => $n,
                          seconds => $patience), '... fails by jamhook_final';
}

is_deeply state_of('final'), $active,
          '... which does not count for jamhook_disable_after';

# 410

$target->set("/gone 410\n/fin 200");
is post('/jam-gone', 'msg_gone', 777), 'stored',
   'an event that is answered with 410';
ok $store->wait_until(endpoint => 'gone', failed => 1, seconds => $patience),
   '... fails at once';
is_deeply state_of('gone'), { state => 'paused', reason => 'gone' },
          '... and its endpoint is paused';
$nginx->wait_log(qr/endpoint "gone" is paused/);
is $nginx->logged(qr/\[error\].*endpoint "gone" is paused: it answered 410/),
   1, '... which an error line says';
ok $nginx->wait_log(qr/\[error\].*given up after attempt 1, endpoint: "gone"/),
   '... beside that of the delivery';

is post('/jam-gone'), 'stored', 'later events are stored' for 1 .. 3;
is post('/jam-all'), 'stored', '... by other locations too';
is post('/jam-gone', 'msg_later'), 'stored', '... one by one';
is post('/jam-gone'), 'stored', '... by any worker' for 1 .. 3;

$target->set("/gone 200\n/fin 200");

ok $store->wait_until(endpoint => 'fin', succeeded => 1, seconds => $patience),
   'other endpoints go on';
is_deeply $store->counts('gone'), { pending => 8, sending => 0, succeeded => 0,
                                    failed => 1 }, 'its deliveries are kept';
is $store->value("select group_concat(distinct state) from show_deliveries"
                 . " where endpoint = 'gone' and attempts = 0"), 'paused',
   '... and shown as paused';
is scalar(my @gone = came('gone')), 1, '... none is tried';

is post('/jam-gone', 'msg_gone', 777), 'duplicate',
   'the sender repeats the one that failed';
is_deeply $store->counts('gone'), { pending => 9, sending => 0, succeeded => 0,
                                    failed => 0 }, '... it waits with them';

ok $nginx->reload, 'after a reload';
is post('/jam-gone'), 'stored', '... events are stored';
ok $nginx->stop, 'after a restart';
$nginx->start;
is post('/jam-gone'), 'stored', '... too';

# one that is not paused shows that the workers have looked
is post('/jam-fin'), 'stored', 'others';
ok $store->wait_until(endpoint => 'fin', succeeded => 2, seconds => $patience),
   '... are delivered';
is_deeply state_of('gone'), { state => 'paused', reason => 'gone' },
          'it is still paused';
is $store->counts('gone')->{pending}, 11, '... and keeps its deliveries';
is scalar(@gone = came('gone')), 1, '... and none is tried';

# 410 of a conversation

$target->set("/fin 410 | 200");
is post('/jam-fin', 'msg_fin_gone'), 'stored', 'Fin answers 410';
ok $store->wait_until(endpoint => 'fin', failed => 1, seconds => $patience),
   '... the delivery fails at once';
is $store->value("select attempts from show_deliveries where id ="
                 . " 'msg_fin_gone'"), 1, '... without another try';
is_deeply state_of('fin'), $active, '... and nothing is paused';
is $nginx->logged(qr/endpoint "fin" is paused/), 0, '... or said to be';
is post('/jam-fin'), 'stored', 'the next conversation';
ok $store->wait_until(endpoint => 'fin', succeeded => 3, seconds => $patience),
   '... gets its event';

$nginx->ends_well;
done_testing;
