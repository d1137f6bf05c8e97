# The distance of the timestamp: exactly the tolerance is accepted, a second
# more is not, both ways. The clock may step while a test runs, so each is tried
# again until the second was the same before and after.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('');
my $nginx = Jamhook::Nginx->new(target => $target->port, server => q{
    jamhook_verify  keys/P1.key;
    location = /default { jamhook_pass audit; }
    location = /10s { jamhook_pass audit; jamhook_tolerance 10s; }
    location = /1s { jamhook_pass audit; jamhook_tolerance 1s; }
    location = /2h { jamhook_pass audit; jamhook_tolerance 2h; }
    location = /100y { jamhook_pass audit; jamhook_tolerance 100y; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      off;
        proxy_pass        http://127.0.0.1:%{target};
    }
});

sub at {
    my ($location, $off) = @_;

    for (1 .. 20) {
        my $now = time;
        my $answer = $nginx->send(Jamhook::event(body => '{}', at => $now,
                                                 ts => $off,
                                                 uri => "/$location"));

        return $answer->{body} =~ /"(?:result|code)":"(\w+)"/ ? $1 : 'nothing'
            if time == $now;
    }

    return 'no second was long enough';
}

for my $case (['default', 300], ['10s', 10], ['1s', 1], ['2h', 7200]) {
    my ($location, $tolerance) = @$case;

    is at($location, 0), 'delivered', "$location: now";

    for my $sign (-1, 1) {
        my $way = $sign < 0 ? 'past' : 'future';

        is at($location, $sign * $tolerance), 'delivered',
           "$location: $tolerance s in the $way";
        is at($location, $sign * ($tolerance + 1)), 'timestamp_invalid',
           "$location: a second more in the $way";
    }
}

is at('100y', 1 - time), 'delivered', '100y: the second 1';
is at('default', 1 - time), 'timestamp_invalid', 'default: the second 1';
is at('100y', 4_000_000_000), 'timestamp_invalid', '100y: the year 2152';

like $nginx->send(Jamhook::event(body => '{}', ts => -1000, uri => '/default'))
     ->{body}, qr/"detail":"timestamp too old"/, 'it says: too old';
like $nginx->send(Jamhook::event(body => '{}', ts => 1000, uri => '/default'))
     ->{body}, qr/"detail":"timestamp too far in the future"/,
     'it says: too far in the future';

$nginx->ends_well;
done_testing;
