package Trouble;

# What the tests of a store that does not work share: an nginx with one
# endpoint, events for it, and the whole course of a trouble.
#
#   nginx($name, ...)       two locations, /jam and /other
#   answer($nginx, ...)     of an event; its id is $id then
#   trouble($name, ...)     "break" makes the trouble, "mend" ends it; "like" and
#                           "advice": what the log says. "stopped": nginx starts
#                           when it is there already
#   $target                 of all events
#   $CRIT, $WELL            what the log says when it begins, and ends
#   $within, $soon          after how many seconds at most the store is tried
#                           again; and with what a busy machine takes

use Exporter qw(import);
use Test::More;
use Time::HiRes qw(time);

use Jamhook::Nginx;
use Endure;

our @EXPORT = qw(nginx answer trouble $target $id $CRIT $WELL $within $soon);

our $CRIT = qr/\[crit\].*jamhook store/;
our $WELL = qr/\[notice\].*jamhook store .*works again/;

# a server is tried ever more seldom, but each five seconds
our $within = $Jamhook::Env::STORE eq 'pgsql' ? 6 : 2;
our $soon = $within + 3 * $Jamhook::Env::PATIENCE;

our $target = Jamhook::Target->new;
our $id = 't0';

my $server = ingest('e') . endpoint('e', 'jamhook_retry 100ms 100ms;')
             . 'location = /other { return 204; }';


# a PostgreSQL of its own, where the store is one
sub nginx {
    my ($name, %opt) = @_;

    $target->set('200');

    return Jamhook::Nginx->new(target => $target->port, store => 1, pg => {},
                               name => $name, server => $server, %opt);
}


sub answer {
    my ($nginx, %e) = @_;

    $id++;

    return $nginx->send(Jamhook::event(body => '{"a":1}', id => $id, %e));
}


sub trouble {
    my ($name, %t) = @_;

    my $nginx = nginx($t{dir} || $name =~ s/\W+/-/gr, workers => 2,
                      %{ $t{nginx} || {} });
    my $answer;

    if (!$t{stopped}) {
        is answer($nginx)->{status}, 200, "$name: all is well before";
        $nginx->store->idle;
    }

    $t{break}->($nginx);

    ok eval { $nginx->start }, "$name: nginx starts" if $t{stopped};

    ok $nginx->wait_for(sub { is_problem($answer = answer($nginx)) }, 15),
       '... then events get 503 unavailable, to come again'
       or diag explain $answer;

    # the first one alone may have to wait for what is wrong
    my $time = time;
    ok is_problem(answer($nginx)), '... each of them';
    ok time - $time < 4, '... at once';
    is $nginx->get('/other')->{status}, 204, '... the rest of nginx answers';

    my ($ok, $said) = $nginx->test;
    ok $ok, '... nginx -t does not mind' or diag $said;

    ok $nginx->wait_log($CRIT), '... the log tells';
    my ($line) = grep { $_ =~ $CRIT } $nginx->log;
    like $line, $t{like}, '... what is wrong';
    like $line, $t{advice}, '... and what to do';

    # longer than the second after which it is tried again
    $nginx->wait_for(sub { 0 }, 1.2);
    is $nginx->logged($CRIT), 1, '... once'
        or diag grep { $_ =~ $CRIT } $nginx->log;

    ok $nginx->reload, '... it reloads';
    is $nginx->get('/other')->{status}, 204, '... and answers again';
    ok $nginx->wait_for(sub { is_problem(answer($nginx)) }, 15),
       '... and refuses events still';
    is $nginx->logged($CRIT), 1, '... without telling of it again';

    $t{mend}->($nginx);
    ok $nginx->wait_for(sub { ($answer = answer($nginx))->{status} == 200 },
                        $soon),
       "... within $within s after its end events are taken again"
       or diag explain $answer;
    like $answer->{body}, qr/"result":"stored"/, '... and stored';
    ok $nginx->wait_for(sub { $nginx->logged($WELL) == 1 }),
       '... one line says so' or diag grep { /jamhook store/ } $nginx->log;
    ok $nginx->store->idle, '... and they are delivered';
    is $nginx->store->check, 'ok', '... from a store that is whole';
    is $nginx->logged(qr/exited on|exited with fatal/), 0,
       '... no worker has died';
    $nginx->ends_well(expected => [$CRIT]);
}


1;
