# A key is replaced by reloads: the old one, both, the new one. No event is
# refused on the way, by whichever of them it is signed, and the old one ends.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('200');
my $nginx = Jamhook::Nginx->new(target => $target->port, workers => 2,
                                server => q{
    location = /jam {
        jamhook_pass    e;
        jamhook_verify  keys/jam.key;
    }

    location = /e {
        jamhook_endpoint  e;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:%{target}/e;
    }
}, stopped => 1);

my %key = %Jamhook::Sign::KEYS;

sub keys_are {
    Jamhook::Env::write_file($nginx->dir . '/keys/jam.key',
                             join '', map { "$key{$_}\n" } @_);
}


sub status {
    my ($key) = @_;

    return $nginx->send(Jamhook::event(body => '{"a":1}', key => $key))
                 ->{status};
}


# as it goes on, while old workers and new ones take events
sub reloads {
    my ($key) = @_;

    my %got;

    $nginx->signal('HUP');
    $got{status($key)}++ for 1 .. 50;

    return \%got;
}

keys_are('P1');
$nginx->start;

is status('P1'), 200, 'the old key alone';
is status('P2'), 401, '... the new one does not hold yet';

keys_are('P1', 'P2');
is_deeply reloads('P1'), { 200 => 50 },
          'both keys, by a reload: no event with the old one is refused';
ok $nginx->wait_for(sub { $nginx->workers('all') == 2 }), '... it is over';
is status($_), 200, "... $_ holds" for qw(P1 P2);

keys_are('P2');
is_deeply reloads('P2'), { 200 => 50 },
          'the new one alone, by a reload: no event with it is refused';
ok $nginx->wait_for(sub { $nginx->workers('all') == 2 }), '... it is over';
is status('P2'), 200, '... it holds';
is status('P1'), 401, '... the old one does not any more';

$nginx->ends_well;
done_testing;
