package Single;

# An nginx of one process, run by a command: valgrind, say.
#
#   my $run = Single::start({ name => 'x', http => ... }, 'valgrind', ...);
#                              options of Jamhook::Nginx; then { nginx, pid }
#   Single::control($run, '--zero');      callgrind_control
#   Single::stop($run);                   dies if there was trouble
#
# All of them end with the program, also where it is killed.

use strict;
use warnings;

use Jamhook::Nginx ();

my @running;

$SIG{$_} = sub { exit 1 } for qw(INT TERM);

END {
    my $status = $?;
    kill 'KILL', @running;
    $? = $status;
}


# another process that ends with us
sub also { push @running, @_ }


sub forget {
    my ($pid) = @_;

    @running = grep { $_ != $pid } @running;
}


sub start {
    my ($options, @by) = @_;

    my $nginx = Jamhook::Nginx->new(stopped => 1, level => 'warn',
        main => "daemon off;\nmaster_process off;", connections => 4096,
        %$options);

    my $pid = fork;

    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        open STDOUT, '>', "$nginx->{dir}/said" or die $!;
        open STDERR, '>&', \*STDOUT;
        exec @by, $Jamhook::Env::REAL_NGINX, '-e', 'logs/error.log', '-p',
             "$nginx->{dir}/", '-c', 'nginx.conf';
        die "$by[0]: $!";
    }

    also($pid);

    Jamhook::Env::wait_for(sub {
        die "nginx ended: " . Jamhook::Env::slurp("$nginx->{dir}/said")
            . join "\n", $nginx->log
            unless Jamhook::Env::is_running($pid);
        my $answer = eval { $nginx->get('/none') };
        $answer && $answer->{status} == 404;
    }, 120) or die "nginx does not come up";

    return { nginx => $nginx, pid => $pid };
}


sub stop {
    my ($run) = @_;

    kill 'QUIT', $run->{pid};
    Jamhook::Env::wait_for(sub { waitpid($run->{pid}, 1) != 0 }, 60)
        or die "nginx does not end";
    forget($run->{pid});

    my @bad = Jamhook::Env::bad_lines([$run->{nginx}->log]);
    die join "\n", @bad if @bad;
}


sub control {
    my ($run, $what) = @_;

    my $said = `callgrind_control $what $run->{pid} 2>&1`;

    die "callgrind_control $what: $said" if $? || $said !~ /OK/;
}


1;
