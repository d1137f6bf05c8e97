# The published and derived vectors of t/data/signatures.json, end to end.

use lib 't/lib';
use JSON::PP;
use Test::More;
use Jamhook::Nginx;

my $vectors = decode_json(Jamhook::Env::slurp("$Jamhook::Env::TOP/t/data/"
                                              . 'signatures.json'));
my $target = Jamhook::Target->new('');
my %keys = %{ $vectors->{keys} };

# their timestamp is of 2021
my $nginx = Jamhook::Nginx->new(target => $target->port, stopped => 1,
    http => 'jamhook_tolerance 100y;', server => join('', map {
        "location = /$_ { jamhook_pass audit; jamhook_verify vectors/$_.key; }"
    } 'all', sort keys %keys) . q{
        location = /audit {
            jamhook_endpoint  audit;
            jamhook_sign      keys/S1.key;
            proxy_pass        http://127.0.0.1:%{target};
        }
    });

for my $name (keys %keys) {
    Jamhook::Env::write_file($nginx->dir . "/vectors/$name.key", $keys{$name});
}

Jamhook::Env::write_file($nginx->dir . '/vectors/all.key',
                         join "\n", @keys{'P1', 'P4_public'});

$nginx->start;

sub send_vector {
    my ($vector, $uri, $family, $signature) = @_;

    return $nginx->send(Jamhook::event(
        body => $vector->{body}, id => $vectors->{id}, uri => $uri,
        at => $vectors->{timestamp}, family => $family,
        signature => defined $signature ? $signature : $vector->{signature}));
}

my @accepted = @{ $vectors->{accepted} };
my @refused = @{ $vectors->{refused} };
my $n = 0;

cmp_ok scalar @accepted, '>=', 8, 'accepted vectors';
cmp_ok scalar @refused, '>=', 5, 'refused vectors';

for my $v (@accepted) {
    for my $family (qw(svix webhook)) {
        my $answer = send_vector($v, "/$v->{key}", $family);

        is $answer->{status}, 200, "accepted: $v->{name}, $family"
            or diag $answer->{raw};
        like $answer->{body}, qr/"id":"\Q$vectors->{id}\E"/, 'its id';
        is +($target->wait(++$n))[-1]{body}, $v->{body}, 'its body';
    }

    is send_vector($v, '/all', 'svix')->{status}, 200,
       "with two keys: $v->{name}";
    $target->wait(++$n);

    my $other = $v->{key} eq 'P1' ? '/P4_public' : '/P1';
    like send_vector($v, $other, 'svix')->{body}, qr/signature_invalid/,
         "refused with another key: $v->{name}";
    like $nginx->send(Jamhook::event(
             body => $v->{body}, uri => "/$v->{key}", id => "$vectors->{id}x",
             at => $vectors->{timestamp}, signature => $v->{signature}))->{body},
         qr/signature_invalid/, "refused with another id: $v->{name}";
    like $nginx->send(Jamhook::event(
             body => $v->{body}, uri => "/$v->{key}", id => $vectors->{id},
             at => $vectors->{timestamp} + 1, signature => $v->{signature}))
         ->{body}, qr/signature_invalid/,
         "refused with another timestamp: $v->{name}";
    like $nginx->send(Jamhook::event(
             body => "$v->{body} ", uri => "/$v->{key}", id => $vectors->{id},
             at => $vectors->{timestamp}, signature => $v->{signature}))
         ->{body}, qr/signature_invalid/, "refused with a space more: $v->{name}";
}

for my $v (@refused) {
    for my $family (qw(svix webhook)) {
        my $answer = send_vector($v, "/$v->{key}", $family);

        is $answer->{status}, 401, "refused: $v->{name}, $family";
        like $answer->{body}, qr/"code":"signature_invalid"/, 'and why';
    }

    my ($right) = grep { $_->{key} eq $v->{key} && $_->{body} eq $v->{body} }
                  @accepted;

    if ($right) {
        is send_vector($v, "/$v->{key}", 'svix',
                       "$v->{signature} $right->{signature}")->{status}, 200,
           "before a right one: $v->{name}";
        $target->wait(++$n);
    }
}

# a private key verifies as well
if (my ($v) = grep { $_->{key} eq 'P4_public' } @accepted) {
    is send_vector($v, '/P4_secret', 'svix')->{status}, 200,
       'v1a by the private key';
    $target->wait(++$n);
}

is scalar $target->requests, $n, 'no other delivery';

$nginx->ends_well;
done_testing;
