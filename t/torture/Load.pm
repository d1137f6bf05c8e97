package Load;

# What the scripts of this folder share: nginx with two endpoints, under load; a
# target that fails in all ways; and a plan, which is followed.
#
#   my $load = Load->new(rate => 80, workers => 4);
#                                 or what the environment says of them; seconds,
#                                 seed, dir (for files), target
#   my @plan = ($load->steps, ...);   the target's part of a plan: lists of
#                                     [second, what, ...], by rand
#   my %do = ($load->orders, ...);    what each of it does
#   my $nginx = $load->nginx(timeout => '500ms', ...);    for Jamhook::Nginx;
#                                 http and server are added to what is there
#   $load->send_to($nginx->port);
#   $load->follow(\@plan, \%do, sub { ... });    the last one all the time
#   $load->start($nginx);         unless it runs
#   $load->kill_worker($nginx, $which);    from 0 to less than 1
#   $load->kill_all($nginx);
#   $load->term($nginx);
#   $load->show(...);             what happens, with SHOW=1
#   push @{ $load->{trouble} }, 'what should have gone well';
#   $load->well;                  the target is well again
#   $load->through;               checks that all was well, and that the senders
#                                 get their last events through
#   $load->drains(sub { ... });   checks that this comes true
#   $load->stop;
#   $load->again;                 from here on once more: other ids, another log
#   my $account = $load->account(rows => sub { ... });    see Account

use strict;
use warnings;

use Exporter qw(import);
use Test::More;
use Time::HiRes qw(time sleep);

use Jamhook::Nginx;
use Account;
use Clients;
use Target;

our @EXPORT_OK = qw(pick shuffled);

my @ENDPOINTS = qw(all fin);
my $PATIENCE = $Jamhook::Env::PATIENCE;
my $running;


# each process holds pipes of those that were forked before it
END {
    my $status = $?;

    $running->stop if $running;
    $? = $status;
}


# "ended": workers by pid, [how, when]; "did": what happened how often
sub new {
    my ($class, %default) = @_;

    my $seed = $ENV{SEED};
    my $dir = Jamhook::Env::tmp();
    my $self = bless {
        seconds => $ENV{SECONDS_} || 60,
        rate => $ENV{RATE} || $default{rate},
        workers => $ENV{WORKERS} || $default{workers},
        seed => length($seed || '') ? $seed : time % 1_000_000,
        dir => $dir, log => "$dir/target.log",
        ended => {}, did => {}, trouble => [],
    }, $class;

    $self->{port} = Jamhook::Env::free_port();
    $self->begin;

    return $running = $self;
}


sub begin {
    my ($self) = @_;

    $self->{target} = Target->new(map { $_ => $self->{$_} }
                                      qw(port log seed));
}


sub again {
    my ($self) = @_;

    $self->stop;
    $self->{seed}++;
    $self->{ended} = {};
    $self->begin;
}


sub pick { return $_[rand @_] }


sub shuffled {
    return map { $_->[0] } sort { $a->[1] <=> $b->[1] } map { [$_, rand] } @_;
}


sub steps {
    my ($self) = @_;

    my $end = $self->{seconds};
    my @plan;

    for my $path (map { "/$_" } @ENDPOINTS) {
        my $at = 0;

        while (($at += 0.3 + rand 2) < $end) {
            my $way = pick(('mixed') x 5,
                           qw(500 503 hang close reset half slow));

            push @plan, [$at, 'way', $path, $way];
            $at += 0.3 + rand 1.5;
            push @plan, [$at, 'way', $path, '200'];
        }
    }

    my $at = 0;

    while (($at += 3 + rand 6) < $end) {
        push @plan, [$at, 'down'];
        $at += 0.3 + rand 1.2;
        push @plan, [$at, 'up'];
    }

    return @plan;
}


sub orders {
    my ($self) = @_;

    my $target = $self->{target};

    return (way => sub { $target->tell(@_) },
            down => sub { $target->tell('down') },
            up => sub { $target->tell('up') });
}


sub nginx {
    my ($self, %opt) = @_;

    my ($http, $server) = map { defined $_ ? $_ : '' }
                          delete @opt{qw(http server)};

    return Jamhook::Nginx->new(
        workers => $self->{workers}, connections => 1024,
        target => $self->{port}, level => $ENV{LEVEL} || 'info',
        http => $http . q{
            log_format  jam  '$msec $pid $status $jamhook_id $jamhook_result';
            access_log  logs/access.log jam;

            jamhook_retry          50ms 100ms 200ms 500ms } . '1s ' x 60 . q{;
            jamhook_timeout        %{timeout};
            jamhook_disable_after  off;
            jamhook_max_active     32;

            upstream kept {
                server     127.0.0.1:%{target};
                keepalive  16;
            }
        }, server => $server . q{
            client_body_buffer_size  64k;

            location = /jam {
                jamhook_pass    all fin;
                jamhook_verify  keys/P1.key;
            }

            location = /all {
                jamhook_endpoint  all;
                jamhook_sign      keys/S1.key;
                proxy_set_header  X-Attempt $jamhook_attempt;
                proxy_set_header  X-Worker $pid;
                proxy_pass        http://127.0.0.1:%{target}/all;
            }

            location /fin {
                jamhook_endpoint    fin;
                jamhook_connector   intercom_fin;
                jamhook_sign        keys/S1.key;
                proxy_http_version  1.1;
                proxy_set_header    Connection "";
                proxy_set_header    X-Attempt $jamhook_attempt;
                proxy_set_header    X-Worker $pid;
                proxy_pass          http://kept/fin;
            }
        }, %opt);
}


sub send_to {
    my ($self, $port) = @_;

    $self->{clients} = Clients->new(n => 4, slots => 8, uri => '/jam',
                                    port => $port,
                                    map { $_ => $self->{$_} }
                                        qw(rate dir seed));
}


sub show {
    my ($self, @what) = @_;

    printf "# %7.3f  %s\n", time - $self->{since}, "@what" if $ENV{SHOW};
}


sub follow {
    my ($self, $plan, $do, $meanwhile) = @_;

    $self->{since} = time;

    for my $step (@$plan) {
        my ($at, $what, @with) = @$step;

        while ((my $left = $self->{since} + $at - time) > 0) {
            sleep $left < 0.05 ? $left : 0.05;
            $meanwhile->() if $meanwhile;
        }

        $self->show($what, map { ref $_ ? @$_ : $_ } @with);
        $self->{did}{join ' ', $what, grep { /^[a-z]/ && $what ne 'way' }
                                      @with}++;
        $do->{$what}->(@with);
        last if @{ $self->{trouble} };
    }
}


sub ended {
    my ($self, $how, @pids) = @_;

    $self->{ended}{$_} = [$how, time] for @pids;
}


sub start {
    my ($self, $nginx) = @_;

    return if $nginx->pid;

    eval { $nginx->start; 1 } or push @{ $self->{trouble} }, $@;
    $self->show('started', $nginx->{name} || ());
}


sub kill_worker {
    my ($self, $nginx, $which) = @_;

    my @workers = $nginx->pid ? $nginx->workers('all') : ();
    my $pid = $workers[$which * @workers] or return;

    $self->ended('killed', $pid);
    $nginx->signal('KILL', $pid);
    $self->show("killed $pid");
}


sub kill_all {
    my ($self, $nginx) = @_;

    $self->ended('killed', $nginx->workers('all'),
                 map { Jamhook::Env::children($_) } @{ $nginx->{old} || [] });
    $nginx->kill_all;
    $self->show('killed all');
}


sub term {
    my ($self, $nginx) = @_;

    $self->ended('stopped', $nginx->workers('all'));
    $nginx->stop('TERM', 15 * $PATIENCE)
        or push @{ $self->{trouble} }, 'TERM did not end it';
}


sub well {
    my ($self) = @_;

    $self->{target}->tell('up');
    $self->{target}->tell("/$_", '200') for @ENDPOINTS;
}


sub through {
    my ($self) = @_;

    $self->{clients}->pause;
    $self->show('all is well');

    is_deeply $self->{trouble}, [],
              'nginx starts and ends whenever it is told to';
    ok $self->{clients}->wait(60 * $PATIENCE),
       'all senders get through in the end';
}


sub drains {
    my ($self, $idle) = @_;

    my $healthy = time;
    my $is_idle = $idle->();

    $self->{drained} = time - $healthy;

    return ok $is_idle, 'no delivery stays pending or sending';
}


sub stop {
    my ($self) = @_;

    $_ && $_->stop for @$self{qw(clients target)};
}


sub account {
    my ($self, %opt) = @_;

    return Account->new(endpoints => \@ENDPOINTS, log => $self->{log},
                        events => $self->{clients}->events,
                        ended => $self->{ended}, %opt);
}


# what is known here, for the lines of an account
sub happened {
    my ($self) = @_;

    return 'what happened: ' . join ', ', map { "$_ $self->{did}{$_}" }
                                          sort keys %{ $self->{did} };
}


sub drained { return sprintf 'idle %.1f s after all was well', $_[0]{drained} }


1;
