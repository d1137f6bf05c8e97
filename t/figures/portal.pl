#!/usr/bin/env perl
# portal.pl
#
# Pictures of the portal for the README, t/figures/*.png: the page in Chromium
# (t/browser/figures.mjs), served by an nginx whose store tells of two days. What
# happened is the same each time, but for when: all of it ends now.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../75-browser";

use Test::More;
use Jamhook::Nginx;
use Browser;
use POSIX qw(strftime);
use Time::HiRes qw(sleep);

my $MINUTE = 60_000;
my $DAY = 24 * 60 * $MINUTE;
my $MOST = 150_000;     # bytes of a picture

my $now = time * 1000;
my $said = '{"error":"Service Unavailable","message":"Try again later"}';

# the same chance in each run
srand 6;

my $target = Jamhook::Target->new([
    { prefix => '/workflows/9f3', steps => [{ status => 200,
      body => '{"status":"accepted"}' }] },
    { prefix => '/workflows/9f3/215470686832743', steps => [
      { status => 503, body => $said,
        headers => [['Content-Type', 'application/json']] },
      { status => 200, body => '{"status":"accepted"}',
        headers => [['Content-Type', 'application/json']] }] },
    { prefix => '/audit', steps => [{ status => 200 }] },
    { prefix => '/crm', steps => [{ status => 503,
      body => '{"error":"maintenance"}' }] },
]);

for my $name (qw(jam sales fin audit crm)) {
    Jamhook::Env::write_file(Jamhook::Env::tmp() . "/portal/keys/$name.key",
        "$Jamhook::Sign::KEYS{ { jam => 'P1', sales => 'P2' }->{$name}
                               || 'S1' }\n");
}

my $nginx = Jamhook::Nginx->new(name => 'portal', store => 1,
    target => $target->port, http => q{
    upstream intercom.example { server 127.0.0.1:%{target}; }
    upstream audit.example    { server 127.0.0.1:%{target}; }
    upstream crm.example      { server 127.0.0.1:%{target}; }
}, server => q{
    location = /jam {
        jamhook_pass    fin audit;
        jamhook_verify  keys/jam.key;
    }

    location = /sales {
        jamhook_pass    crm;
        jamhook_verify  keys/sales.key;
    }

    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/fin.key;
        jamhook_retry      1s 1m 10m 1h 6h;
        jamhook_final      404;
        proxy_pass         http://intercom.example/workflows/9f3;
    }

    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/audit.key;
        proxy_pass        http://audit.example/audit;
    }

    location = /crm {
        jamhook_endpoint  crm;
        jamhook_sign      keys/crm.key;
        jamhook_retry     1h 6h;
        proxy_pass        http://crm.example/crm;
    }

    location /jamhook/ {
        jamhook_portal  conversation_url=https://app.intercom.com/a/inbox/acme/conversation/;
    }
});
my $store = $nginx->store;


# an id of so many letters and digits
sub id {
    my ($n) = @_;

    my @letters = (0 .. 9, 'A' .. 'Z', 'a' .. 'z');

    return join '', map { $letters[rand @letters] } 1 .. $n;
}


sub uuid {
    return join '-', map { join '', map { sprintf '%x', rand 16 } 1 .. $_ }
                     8, 4, 4, 4, 12;
}


# an event of Jam's, as a hash
sub jam {
    my ($kind, $conversation, $at) = @_;

    $at ||= $now;

    my ($recording, $jam) = (uuid(), uuid());
    my %data = $kind eq 'jam.created'
        ? (jamId => $jam, title => 'Export hangs at 90 %',
           url => "https://jam.dev/c/$jam")
        : (conversationId => $conversation,
           $kind =~ /recorded$/ ? (jamId => $jam,
               recording_url => "https://jam.dev/r/$recording") : ());

    return { id => 'evt_' . id(20), type => $kind,
             created_at => strftime('%Y-%m-%dT%H:%M:%SZ',
                                    gmtime($at / 1000 - 2)),
             data => \%data };
}


# Two days of it as SQL: more by day than by night, twenty minutes in which Fin
# was away, and a few conversations that it did not know.
sub history {
    my ($fin, $audit) = map { $store->value("select id from endpoints"
                                            . " where name = '$_'") }
                        qw(fin audit);
    my ($seq, @sql, %rollup, %succeeded) = (0);
    my @attempts;

    my $attempt = sub {
        my ($event, $endpoint, $number, $at, $status) = @_;

        my $result = $status == 200 ? 0 : 1;
        my $ms = int(($endpoint == $fin ? 70 : 12) * exp(rand(1.4) - 0.5));

        push @attempts, [$at, sprintf "($event, $endpoint, $number, 0, $result,"
            . " %d, $ms, $status, 0, '{}', '{}', %s)", $at,
            $status == 503 ? "cast('$said' as blob)" : "cast('{}' as blob)"];

        my $slot = $result * 256 + slot($ms);
        my $second = int($at / 1000);

        $rollup{join ',', 0, $second - $second % 60, $endpoint, $slot}++
            if $at > $now - $DAY;
        $rollup{join ',', 1, $second - $second % 3600, $endpoint, $slot}++;
    };

    my $at = $now - 2 * $DAY;

    while (1) {
        # 1: the middle of a day, -1: of a night
        my $day = sin(2 * 3.14159 * (($now - $at) / $DAY + 0.6));

        $at += $MINUTE * (0.4 + rand) * 2.2 ** (1 - $day);
        last if $at > $now - 4 * $MINUTE;

        my $kind = rand;
        my $type = $kind < 0.7 ? 'intercom.recorder.recorded'
                 : $kind < 0.85 ? 'intercom.recorder.opted_out'
                 : 'jam.created';
        my $for_fin = $type ne 'jam.created';
        my $conversation = 215_470_000_000_000 + int rand 999_999_999;
        my $event = jam($type, "$conversation", $at);
        my $data = $event->{data};
        my $ago = $now - $at;
        my $away = $ago > 500 * $MINUTE && $ago < 520 * $MINUTE;
        my $unknown = rand() < 0.008;

        $seq++;
        push @sql, sprintf 'insert into events (seq, received_at, id, source,'
            . ' event_id, type, created_at, conversation_id, jam_id,'
            . ' recording_url, key, headers, body) values (%s, cast(%s as'
            . ' blob));',
            join(', ', map { Jamhook::Store::quote($_) } $seq, int $at,
                 'msg_' . id(27), '/jam', @$event{qw(id type created_at)},
                 @$data{qw(conversationId jamId recording_url)},
                 '7c1f0e9a5b3d2846', '{}'),
            Jamhook::Store::quote(body($event));

        for my $endpoint ($for_fin ? ($fin, $audit) : $audit) {
            my ($state, @status) = (2, 200);

            if ($endpoint == $fin) {
                ($state, @status) = $away ? (2, 503, 503, 503, 200)
                                  : $unknown ? (3, 404)
                                  : rand() < 0.02 ? (2, 503, 200) : (2, 200);
            }

            my @after = map { $_ * $MINUTE } 0, 0.02, 1, 11;

            $attempt->($seq, $endpoint, $_ + 1, $at + $after[$_], $status[$_])
                for 0 .. $#status;
            $succeeded{$endpoint}++ if $state == 2;

            push @sql, sprintf 'insert into deliveries (event, endpoint, state,'
                . ' attempts, changed_at) values (%d, %d, %d, %d, %d);', $seq,
                $endpoint, $state, scalar @status, $at + $after[$#status];
        }
    }

    push @sql, map { 'insert into attempts (event, endpoint, number, trigger,'
                     . ' result, started_at, duration, status, truncated,'
                     . " request_headers, response_headers, response_body)"
                     . " values $_->[1];" }
               sort { $a->[0] <=> $b->[0] } @attempts;
    push @sql, map { "insert into rollups (span, at, endpoint, slot, n) values"
                     . " ($_, $rollup{$_});" } sort keys %rollup;
    push @sql, map { 'insert into tallies (endpoint, succeeded) values'
                     . " ($_, $succeeded{$_});" } sort keys %succeeded;

    return join "\n", 'begin;', @sql, 'commit;';
}


# as ngx_http_jamhook_backend_slot_ms() has them
sub slot {
    my ($ms) = @_;

    my $slot = 0;

    for my $n (0 .. 151) {
        my $low = $n < 8 ? $n : (8 + $n % 8) << (int($n / 8) - 1);
        $slot = $n if $low <= $ms;
    }

    return $slot;
}


# the store is made by the module, and has its endpoints

$nginx->wait_for(sub {
        (eval { $store->value('select count(*) from endpoints') } || 0) == 3
})
    or BAIL_OUT('no store');
$nginx->stop;

my $sql = Jamhook::Env::tmp() . '/history.sql';

Jamhook::Env::write_file($sql, history());
system("sqlite3 -batch -bail '@{[ $store->file ]}' < '$sql'") == 0
    or BAIL_OUT('sqlite3');

$nginx->start;

# the last minutes

my $shown = 'msg_2bNnrIkHVb5GaDvyLkXqUgZ1aQ9';

event($nginx, jam('intercom.recorder.recorded', '215470686836001'),
      id => 'msg_' . id(27), key => 'P3');

# what was refused before the last one that was accepted is no alarm; the page
# gets seconds
sleep 1.1;

for my $conversation (215470686811902, 215470686820417) {
    event($nginx, jam('intercom.recorder.recorded', "$conversation"),
          id => 'msg_' . id(27));
}

event($nginx, jam('intercom.recorder.recorded', '215470686832743'),
      id => $shown, with => '"User-Agent: Svix-Webhooks/1.60"');
event($nginx, jam('intercom.recorder.opted_out', '215470686835518'),
      id => 'msg_' . id(27));
event($nginx, jam('jam.created'), id => 'msg_' . id(27), uri => '/sales',
      key => 'P2');

ok $store->wait_until(sending => 0, pending => 1, seconds => 20),
   'all but what waits for its next try is delivered'
    or diag explain $store->counts;

browse('figures', $nginx, tell => { event => $shown,
                                    shots => Jamhook::Env::tmp() });

my @pictures = glob Jamhook::Env::tmp() . '/*.png';

cmp_ok scalar @pictures, '>', 0, 'there are pictures';

# few colours, none made of two: it is text

for my $picture (@pictures) {
    my ($name) = $picture =~ m{([^/]+)$};
    my $to = "$FindBin::Bin/$name";

    is system('pngquant', '--force', '--speed', 1, '--strip', '--nofs',
              '--output', $to, 64, $picture), 0, "$name: made small";
    cmp_ok -s $to, '<', $MOST, '... it is';
}

$nginx->ends_well;

done_testing;
