package Endure;

# What the tests of this room share: a configuration in one line for each
# endpoint, events by name, senders beside the test, and the question whether a
# delivery was made twice at once.
#
#   endpoint('e', 'jamhook_retry 100ms;')    "location = /e", to the target's /e
#   ingest('e f')                            "location = /jam"
#   ids('a', 1 .. 3)                         a1 a2 a3
#   put($nginx, @ids)                        statuses by id, one after the other
#   begin($nginx, $id)                       a connection that waits
#   status($nginx, $connection)
#   my $sender = Endure->new($nginx, 'x', pause => 0.01);
#   $sender->stop                            { id => status of the last answer }
#   overlaps($ms, $target->requests)         those that came to an id and path
#                                            less than $ms after another one
#   arrived($target)                         { "path id" => how often }

use strict;
use warnings;

use Exporter qw(import);
use POSIX ();
use Time::HiRes qw(time sleep);

use Jamhook::Nginx ();

our @EXPORT = qw(endpoint ingest ids put begin status overlaps arrived
                 is_problem gone);


sub endpoint {
    my ($name, $more, $path) = @_;

    $path = "/$name" unless defined $path;

    return "location = /$name { jamhook_endpoint $name; jamhook_sign off;"
           . " proxy_pass http://127.0.0.1:%{target}$path; "
           . (defined $more ? $more : '') . " }\n";
}


sub ingest {
    my ($names, $path) = @_;

    return 'location = ' . (defined $path ? $path : '/jam')
           . " { jamhook_pass $names; jamhook_verify keys/P1.key; }\n";
}


sub ids {
    my ($prefix, @n) = @_;

    return map { "$prefix$_" } @n;
}


sub put {
    my ($nginx, @ids) = @_;

    return map { $nginx->send(Jamhook::event(body => '{"a":1}', id => $_))
                 ->{status} } @ids;
}


sub begin {
    my ($nginx, $id, %e) = @_;

    my $s = $nginx->connect;

    print $s Jamhook::event(body => '{"a":1}', id => $id, %e);
    $s->flush;

    return $s;
}


# a client that stays would keep a worker that ends
sub status {
    my ($nginx, $s, $seconds) = @_;

    my $status = $nginx->read($s, $seconds)->{status};
    close $s;

    return $status;
}


# the answer of a store that does not work
sub is_problem {
    my ($answer) = @_;

    return $answer->{status} == 503
           && $answer->{body} =~ /"code":"unavailable"/
           && defined $answer->{headers}{'retry-after'}
           && $answer->{headers}{'retry-after'} eq '5';
}


sub gone {
    my (@pids) = @_;

    return Jamhook::Env::wait_for(sub {
        !grep { Jamhook::Env::is_running($_) } @pids });
}


sub key {
    my ($request) = @_;

    my ($id) = map { $_->[1] } grep { lc $_->[0] eq 'idempotency-key' }
               @{ $request->{headers} };

    return "$request->{path} " . (defined $id ? $id : '-');
}


sub overlaps {
    my ($ms, @requests) = @_;

    my (%last, @found);

    for my $request (sort { $a->{at} <=> $b->{at} } @requests) {
        my $key = key($request);

        push @found, sprintf '%s after %d ms', $key,
                             ($request->{at} - $last{$key}) * 1000
            if defined $last{$key}
               && ($request->{at} - $last{$key}) * 1000 < $ms;

        $last{$key} = $request->{at};
    }

    return @found;
}


sub arrived {
    my ($target) = @_;

    my %n;
    $n{key($_)}++ for $target->requests;

    return \%n;
}


# A process that sends one event after the other, and each again until it was
# answered 200. Its file has a line for each event: its id, and how often it was
# sent.
sub new {
    my ($class, $nginx, $prefix, %opt) = @_;

    my $file = Jamhook::Env::tmp() . "/sender.$prefix";
    my $pause = defined $opt{pause} ? $opt{pause} : 0.005;
    my $bytes = $opt{body} || '{"a":1}';
    my $max = $opt{max};

    unlink $file, "$file.stop";

    my $parent = $$;
    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        # no signal ends it: that would end the wait for an answer
        $SIG{PIPE} = 'IGNORE';

        open my $log, '>', $file or POSIX::_exit(1);
        $log->autoflush(1);

        for (my $i = 1; !$max || $i <= $max; $i++) {
            my ($n, $status) = (0, 0);

            while (1) {
                if (-e "$file.stop" || getppid != $parent) {
                    print $log "$prefix$i $n $status\n" if $n;
                    POSIX::_exit(0);
                }

                $n++;
                $status = eval {
                    $nginx->send(Jamhook::event(body => $bytes,
                                                id => "$prefix$i"))->{status};
                } || 0;

                last if $status == 200;
                sleep 0.02;
            }

            print $log "$prefix$i $n $status\n";
            sleep $pause if $pause;
        }

        POSIX::_exit(0);
    }

    return bless { pid => $pid, file => $file, owner => $$ },
           $class;
}


sub sent {
    my ($self) = @_;

    return { map { /^(\S+) \d+ (\d+)$/ ? ($1 => $2) : () }
             split /\n/, Jamhook::Env::slurp($self->{file}) };
}


# how many events had to be sent more than once
sub repeated {
    my ($self) = @_;

    return scalar grep { /^\S+ (\d+) / && $1 > 1 }
           split /\n/, Jamhook::Env::slurp($self->{file});
}


sub wait {
    my ($self, $n, $seconds) = @_;

    return Jamhook::Env::wait_for(sub { keys %{ $self->sent } >= $n },
                                  $seconds);
}


# until it has sent all of its "max"
sub finish {
    my ($self) = @_;

    waitpid delete $self->{pid}, 0 if $self->{pid};

    return $self->sent;
}


sub stop {
    my ($self) = @_;

    Jamhook::Env::write_file("$self->{file}.stop", '');

    return $self->finish;
}


sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || !$self->{pid};

    local ($?, $@, $!);
    Jamhook::Env::write_file("$self->{file}.stop", '');
    waitpid $self->{pid}, 0;
}


1;
