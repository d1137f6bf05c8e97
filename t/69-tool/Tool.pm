package Tool;

# The command line "jamhook" for the tests of this room.
#
#   my ($status, $out, $err) = jamhook([qw(-s DIR show ID)], $stdin);
#   my $follower = Tool->start(qw(-s DIR log -f));
#   $follower->wait(qr/.../);                 what it printed so far matches
#   $follower->wait_err(qr/.../);             what it said
#   $follower->finish;                        its status
#   $follower->stop;
#
# Built with the sanitizers where nginx runs under them: what they find is
# printed by it and ends it with a status of its own.

use strict;
use warnings;

use Exporter qw(import);
use File::Temp ();
use IPC::Run ();
use JSON::PP ();
use Jamhook::Env;

our @EXPORT = qw(jamhook decoded);

our $JAMHOOK = $ENV{JAMHOOK_TOOL}
               || "$Jamhook::Env::TOP/build/"
                  . ($Jamhook::Env::UNDER ? 'tool-san/' : '') . 'jamhook';

delete $ENV{JAMHOOK_STORE};


# standard input is empty where none is given, and no terminal
sub jamhook {
    my ($args, $in) = @_;

    my ($out, $err) = ('', '');

    # a file, for the tool may end without having read it
    my $file = File::Temp->new;

    binmode $file;
    print $file $in if defined $in;
    close $file or die $!;

    IPC::Run::run([$JAMHOOK, @$args], '<', $file->filename,
                  '>', \$out, '2>', \$err);

    return ($? & 127 ? "signal " . ($? & 127) : $? >> 8, $out, $err);
}


# (status, what its JSON says)
sub decoded {
    my ($status, $out) = jamhook(@_);

    return ($status, eval { JSON::PP->new->utf8->boolean_values(0, 1)->decode($out) });
}


sub start {
    my ($class, @args) = @_;

    my $self = bless { out => '', err => '' }, $class;

    $self->{run} = IPC::Run::start([$JAMHOOK, @args], '<', \undef,
                                   '>', \$self->{out}, '2>', \$self->{err});

    return $self;
}


sub wait {
    my ($self, $pattern) = @_;

    return Jamhook::Env::wait_for(sub {
        $self->{run}->pump_nb;
        $self->{out} =~ $pattern;
    });
}


sub wait_err {
    my ($self, $pattern) = @_;

    return Jamhook::Env::wait_for(sub {
        $self->{run}->pump_nb;
        $self->{err} =~ $pattern;
    });
}


sub out { $_[0]{out} }
sub err { $_[0]{err} }
sub pid { $_[0]{run}{KIDS}[0]{PID} }


sub finish {
    my ($self) = @_;

    my $run = delete $self->{run};

    eval { $run->finish };

    return $run->full_result(0) & 127 ? 'signal' : $run->full_result(0) >> 8;
}


sub kill {
    my ($self) = @_;

    my $run = delete $self->{run};

    CORE::kill 'KILL', $run->{KIDS}[0]{PID};
    eval { $run->finish };
}


sub stop {
    my ($self) = @_;

    my $run = delete $self->{run} or return;

    # INT is ignored by all that a shell without job control runs beside itself
    $run->signal('TERM');
    eval { $run->finish };
}


sub DESTROY { local ($?, $@, $!); $_[0]->stop }


1;
