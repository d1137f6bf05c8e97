# verify, sign and keygen; and what is wrong usage.

# modes: plain san

use lib 't/lib', 't/69-tool';
use Test::More;
use Jamhook::Nginx;
use Jamhook::Sign;
use JSON::PP;
use Tool;

my $tmp = Jamhook::Env::tmp();
my $vectors = decode_json(Jamhook::Env::slurp(
                          "$Jamhook::Env::TOP/t/data/signatures.json"));

Jamhook::Env::write_keys("$tmp/keys");

my @message = ("--id=$vectors->{id}", "--timestamp=$vectors->{timestamp}");

# published vectors

for my $list (qw(accepted refused)) {
    for my $v (@{ $vectors->{$list} }) {
        my ($status, $said) = decoded(['--json', 'verify', '-k',
            "$tmp/keys/$v->{key}.key", '--tolerance=off', @message,
            "--signature=$v->{signature}"], $v->{body});

        is $status, $list eq 'accepted' ? 0 : 1, "$list: $v->{name}";
        is $said->{code}, $list eq 'accepted' ? undef : 'signature_invalid',
           '... and it says why';
    }
}

# what it says

my $v = $vectors->{accepted}[0];
my @token = ("--signature=v1,AAAA v2,x $v->{signature}");

my ($status, $out, $err) = jamhook([qw(verify --tolerance off -k),
    "$tmp/keys/both.key", @message, @token], $v->{body});
is $status, 0, 'a list of tokens, a file of two keys';
like $out, qr/^verified:\ message\ $vectors->{id}\ of
              \ $vectors->{timestamp},\ by\ key\ 1\ \(whsec\)\ with\ fingerprint\ [0-9a-f]{8}\n\z/x,
     '... says which key'
    or diag $out;
my ($fingerprint) = $out =~ /([0-9a-f]{8})\n/;
use Digest::SHA qw(sha256_hex);
use MIME::Base64;
is $fingerprint, substr(sha256_hex('jamhook:' . decode_base64(
       $vectors->{keys}{P1} =~ s/whsec_//r)), 0, 8), '... as nginx calls it';

($status, $out) = jamhook([qw(verify -k), "$tmp/keys/P1.key", @message, @token],
                          $v->{body});
is "$status $out", "1 not verified: timestamp_invalid: timestamp too old\n",
   'a timestamp of long ago';
($status, $out) = jamhook([qw(verify --tolerance=36500d -k),
                           "$tmp/keys/P1.key", @message, @token], $v->{body});
is $status, 0, '... is what one makes of it';

($status, $out) = jamhook([qw(verify -k), "$tmp/keys/P1.key", $message[0]],
                          $v->{body});
is $status, 1, 'headers that are missing';
like $out, qr/^not verified: signature_missing: /, '... are named';

($status, $out) = jamhook([qw(verify --tolerance off -k),
    "$tmp/keys/P1.key", @message, @token], "$v->{body}\n");
is $status, 1, "a line's end is a part of the payload";

# headers as they came

my @h = ("Svix-Id: $vectors->{id}", "SVIX-TIMESTAMP:\t$vectors->{timestamp} ",
         "svix-signature: $v->{signature}");
($status, $out) = jamhook([qw(verify --tolerance off -k), "$tmp/keys/P1.key",
    map { ('-H', $_) } @h], $v->{body});
is $status, 0, '-H';
Jamhook::Env::write_file("$tmp/h.txt", join "\r\n",
    'POST /jam HTTP/1.1', 'Host: x', @h, '', '');
($status, $out) = jamhook([qw(verify --tolerance off --headers), "$tmp/h.txt",
                           '-k', "$tmp/keys/P1.key"], $v->{body});
is $status, 0, '--headers';
($status, $out) = jamhook([qw(verify --tolerance off --headers), "$tmp/h.txt",
                           '-k', "$tmp/keys/P1.key", '-H', $h[0]], $v->{body});
like $out, qr/signature_missing/, '... one that came twice is refused';

# round trips

my $binary = join '', map { chr } 0 .. 255;

for my $key (qw(P1 both P4_secret)) {
    for my $body ('', '{"a":1}', $binary, 'x' x 300_000) {
        my ($status, $out) = jamhook(['sign', '-k', "$tmp/keys/$key.key"],
                                     $body);
        is $status, 0, "sign with $key, " . length($body) . ' bytes';
        is +(jamhook(['verify', '-k', "$tmp/keys/$key.key",
             map { ('-H', $_) } split /\n/, $out], $body))[0], 0,
           '... and verify';
        isnt +(jamhook(['verify', '-k', "$tmp/keys/$key.key",
               map { ('-H', $_) } split /\n/, $out], "$body."))[0], 0,
             '... not another';

        my %h = map { split /: / } split /\n/, $out;
        like $h{'webhook-id'}, qr/^msg_[A-Za-z0-9]{27}$/, '... a new id';
        ok abs($h{'webhook-timestamp'} - time) < 60, '... and now';
        my ($token) = $h{'webhook-signature'} =~ /^(\S+)/;
        ok Jamhook::Sign::holds($key eq 'both' ? 'P1' : $key, $token,
               @h{qw(webhook-id webhook-timestamp)}, $body)
           || Jamhook::Sign::holds($vectors->{keys}{$key}, $token,
               @h{qw(webhook-id webhook-timestamp)}, $body),
           '... others agree' if $key ne 'both';
    }
}

($status, $out) = jamhook([qw(sign --prefix=svix --id=m1 --timestamp=7 -k),
                           "$tmp/keys/P1.key"], 'x');
is $out, "svix-id: m1\nsvix-timestamp: 7\nsvix-signature: "
         . Jamhook::Sign::token('P1', 'm1', 7, 'x') . "\n",
   'headers as they are asked for';
($status, my $said) = decoded([qw(--json sign --id=m1 --timestamp=7 -k),
                               "$tmp/keys/P1.key"], 'x');
is_deeply $said, { 'webhook-id' => 'm1', 'webhook-timestamp' => '7',
                   'webhook-signature' => Jamhook::Sign::token('P1', 'm1', 7,
                                                               'x') },
          '... in JSON';

# new keys

for my $args ([], ['--ed25519']) {
    my ($status, $key) = jamhook(['keygen', @$args]);
    my ($status2, $other) = jamhook(['keygen', @$args]);
    is $status, 0, "keygen @$args";
    isnt $key, $other, '... each time another';
    Jamhook::Env::write_file("$tmp/new.key", $key);
    my ($signed, $out) = jamhook(['sign', '-k', "$tmp/new.key"], 'x');
    is $signed, 0, '... which signs';
    my @headers = map { ('-H', $_) } split /\n/, $out;
    Jamhook::Env::write_file("$tmp/public.key", "$1\n") if $key =~ /(whpk_.*)/;
    is +(jamhook(['verify', '-k', @$args ? "$tmp/public.key" : "$tmp/new.key",
                  @headers], 'x'))[0], 0,
       '... for who has the other half';
}

# key files

for (["whsec_!!\n", qr/line 1/], ['', qr/no key/i], ["x\n", qr/line 1/],
     ["# c\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nnope_AAAA\n", qr/line 3/])
{
    Jamhook::Env::write_file("$tmp/bad.key", $_->[0]);
    ($status, $out, $err) = jamhook([qw(verify --id=1 -k), "$tmp/bad.key"]);
    is "$status$out", '2', 'a bad key file';
    like $err, $_->[1], '... what is wrong';
    unlike $err, qr/MfKQ|nope/, '... and nothing of it';
}

($status, $out, $err) = jamhook([qw(sign -k), "$tmp/keys/P4_public.key"], 'x');
is $status, 2, 'a public key does not sign';
($status, $out, $err) = jamhook([qw(sign -k), "$tmp/none.key"], 'x');
like $err, qr/none\.key" failed: No such file/, 'no key file';
($status, $out, $err) = jamhook([qw(sign -k), $tmp], 'x');
like $err, qr/not a regular file/, 'a directory';
chmod 0644, "$tmp/keys/P1.key";
($status, $out, $err) = jamhook([qw(sign -k), "$tmp/keys/P1.key"], 'x');
like "$status$err", qr/^0.*chmod 600/, 'one that is open to all';

($status, $out, $err) = jamhook([qw(sign -k), "$tmp/keys/P2.key"],
                                'x' x (16 * 1024 * 1024 + 1));
is "$status$out", '3', 'a payload that nginx would not take';
like $err, qr/larger than/, '... is not taken';

# usage

for ([qr/^Usage/], [qr/no such command/, 'nix'],
     [qr/no such command/, "\e[31m"], [qr/argument is missing/, 'show'],
     [qr/too many arguments/, qw(show a b)],
     [qr/too many arguments/, qw(status a)],
     [qr/--type has no meaning/, qw(status --type=x)],
     [qr/--state has no meaning/, qw(failed --state=pending)],
     [qr/unrecognized option|unknown option/, qw(status --nix)],
     [qr/requires an argument/, qw(status -s)],
     [qr/given twice/, qw(events --type=a --type=b)],
     [qr/-n takes a number/, qw(events -n 0)],
     [qr/-n takes a number/, qw(events -n 10001)],
     [qr/-n takes a number/, qw(log -n x)],
     [qr/--state takes pending, .* or paused/, qw(events --state=nix)],
     [qr/--result takes/, qw(log --result=nix)],
     [qr/--since takes a time/, qw(events --since=yesterday)],
     [qr/--until takes a time/, qw(events --until=2026-13-01)],
     [qr/--until takes a time/, 'log', '--until=' . '9' x 80],
     [qr/either an event's id or/, 'forget'],
     [qr/either an event's id or/, qw(forget x --conversation=y)],
     [qr/either an event's id or/, qw(forget -y --conversation=)],
     [qr/key file with -k/, 'verify'], [qr/key file with -k/, 'sign'],
     [qr/--tolerance takes/, qw(verify -k x --tolerance=soon)],
     [qr/--prefix takes webhook or svix/, qw(sign -k x --prefix=x)],
     [qr/--id takes/, 'sign', '-k', 'x', '--id=a b'],
     [qr/--timestamp takes/, qw(sign -k x --timestamp=now)])
{
    my ($pattern, @args) = @$_;
    my ($status, $out, $err) = jamhook(\@args);
    is "$status$out", '2', "usage: @args" =~ s/\e/ESC/r;
    like $err, $pattern, '... says what is wrong';
    unlike $err, qr/\e/, '... harmlessly' if "@args" =~ /\e/;
}

for (['--help'], ['help'], [qw(show --help)]) {
    my ($status, $out, $err) = jamhook($_);
    is "$status$err", '0', "@$_";
    like $out, qr/^Usage: jamhook.*Exit status/s, '... is the whole help';
}

like +(jamhook(['-V']))[1], qr/^jamhook \d+\.\d+\.\d+\n\z/, 'the version';

SKIP: {
    skip 'no /dev/full', 2 if !-c '/dev/full';
    my $said = `$Tool::JAMHOOK --help 2>&1 > /dev/full`;
    is $? >> 8, 3, 'nowhere to write to';
    like $said, qr/writing to standard output failed/, '... is said';
}

done_testing;
