# jamhook_max_active through http, server and location: how many of four
# deliveries are at the target at once.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

sub at_once {
    my (%conf) = @_;

    my $target = Jamhook::Target->new('hang');
    my $nginx = Jamhook::Nginx->new(
        target => $target->port, http => $conf{http} || '',
        server => ($conf{server} || '') . q[
            jamhook_timeout 10s;
            location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; ]
            . ($conf{ingest} || '') . q[ }
            location = /audit {
                jamhook_endpoint  audit;
                jamhook_sign      off;
                proxy_pass        http://127.0.0.1:%{target}; ]
            . ($conf{location} || '') . ' }');

    my @clients = map {
        my $s = $nginx->connect;
        print $s Jamhook::event(body => "{\"n\":$_}");
        $s->flush;
        $s;
    } 1 .. 4;

    # a delivery that waits for its turn would come 10 s after another began
    $target->wait($conf{is} || 1);
    Time::HiRes::sleep(0.1);
    my $n = $target->wait($conf{is} || 1);

    close $_ for @clients;
    $target->stop;
    $nginx->ends_well(name => "$conf{name}: nginx ends well");

    is $n, $conf{is}, $conf{name};
}

at_once(is => 4, name => 'four by default');
at_once(is => 1, name => 'http', http => 'jamhook_max_active 1;');
at_once(is => 2, name => 'the server wins over http',
        http => 'jamhook_max_active 1;', server => 'jamhook_max_active 2;');
at_once(is => 3, name => "the endpoint's location wins over both",
        http => 'jamhook_max_active 1;', server => 'jamhook_max_active 2;',
        location => 'jamhook_max_active 3;');
at_once(is => 4, name => 'that of an ingest location is nothing to it',
        ingest => 'jamhook_max_active 1;');

done_testing;
