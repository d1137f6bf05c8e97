# A store that does not work: nginx runs on, the sender is told to come again,
# one line says what to do, and when the cause is gone it goes on by itself.

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Endure;
use Trouble;

# what the disk says

for my $case (
    [ENOSPC => { write => 'ENOSPC' }, qr/full|space/i, qr/make room/],
    ['EIO on fsync' => { sync => 'EIO' }, qr/I\/O|Input\/output/i,
     qr/look at the disk/],
    ['EIO on write' => { write => 'EIO' }, qr/I\/O|Input\/output/i,
     qr/look at the disk/])
{
    my ($name, $fault, $like, $advice) = @$case;

    trouble($name, nginx => { faults => 1 }, like => $like, advice => $advice,
        break => sub { $_[0]->faults->set(%$fault) },
        mend => sub { $_[0]->faults->clear });
}

# a disk that is mounted read-only before the start

trouble('a read-only file system', dir => 'erofs', stopped => 1,
    nginx => { stopped => 1, faults => 1 }, like => qr/read-?only/i,
    advice => qr/let nginx's worker user write/,
    break => sub { $_[0]->faults->set(write => 'EROFS', open => 'EROFS') },
    mend => sub { $_[0]->faults->clear });

# what stands where the store should be

trouble('a directory whose parent is missing', dir => 'no-parent',
    stopped => 1, nginx => { stopped => 1 },
    like => qr/No such file/, advice => qr/make the directory/,
    break => sub {
        my ($nginx) = @_;
        rmdir $nginx->store->dir or die $!;
        $nginx->configure(store_line =>
                          'jamhook_store sqlite:%{dir}/none/store;');
        $nginx->store->{dir} = $nginx->dir . '/none/store';
    },
    mend => sub { mkdir $_[0]->dir . '/none' or die $! });

trouble('a regular file in its place', dir => 'file', stopped => 1,
    nginx => { stopped => 1 },
    like => qr/directory/, advice => qr/make the directory/,
    break => sub { rmdir $_[0]->store->dir or die $!;
                   Jamhook::Env::write_file($_[0]->store->dir, 'x') },
    mend => sub { unlink $_[0]->store->dir or die $! });

sub away {
    my ($nginx) = @_;

    for my $file (grep { -e } map { $nginx->store->file . $_ }
                  '', '-wal', '-shm')
    {
        rename $file, "$file.away" or die $!;
    }
}

trouble('a file that is no database', dir => 'no-database', stopped => 1,
    nginx => { stopped => 1 },
    like => qr/not a database/, advice => qr/move its files away/,
    break => sub { Jamhook::Env::write_file($_[0]->store->file,
                                            'no database ' x 1000) },
    mend => \&away);

trouble('a database of others', dir => 'others', stopped => 1,
    nginx => { stopped => 1 },
    like => qr/not a jamhook store/, advice => qr/move its files away/,
    break => sub { $_[0]->store->shell('create table t (a)', write => 1) },
    mend => \&away);

# what happened to a store while nothing ran

sub filled {
    my ($nginx) = @_;

    $nginx->start;
    $nginx->wait_for(sub { answer($nginx)->{status} == 200 });
    answer($nginx) for 1 .. 20;
    $nginx->store->idle;
    $nginx->stop;

    # two that end at once may leave all of it in the WAL
    $nginx->store->shell('pragma wal_checkpoint(truncate)', write => 1);
}

trouble('a store of a later version', dir => 'newer', stopped => 1,
    nginx => { stopped => 1 },
    like => qr/later version/, advice => qr/install the version/,
    break => sub { filled(@_); $_[0]->store->shell('pragma user_version = 999',
                                                   write => 1) },
    mend => sub { $_[0]->store->shell('pragma user_version = 1', write => 1) });

trouble('a corrupted database', dir => 'corrupt', stopped => 1,
    nginx => { stopped => 1 },
    like => qr/malformed|not a database|corrupt/i,
    advice => qr/move its files away/,
    break => sub {
        my ($nginx) = @_;

        # all pages but the first one
        filled($nginx);
        open my $fh, '+<', $nginx->store->file or die $!;
        seek $fh, 4096, 0;
        print $fh "\xa5" x ((-s $fh) - 4096);
        close $fh;
    },
    mend => \&away);

trouble('a truncated database', dir => 'truncated', stopped => 1,
    nginx => { stopped => 1 },
    like => qr/malformed|not a database|corrupt/i,
    advice => qr/move its files away/,
    break => sub { filled(@_);
                   truncate $_[0]->store->file, 6000 or die $! },
    mend => \&away);

# a directory that is missing is made

{
    my $nginx = nginx('made', stopped => 1);

    rmdir $nginx->store->dir or die $!;
    $nginx->start;
    ok $nginx->wait_for(sub { answer($nginx)->{status} == 200 }),
       'a directory that is missing is made';
    is sprintf('%o', (stat $nginx->store->dir)[2] & 07777), '700',
       '... for one user alone';
    $nginx->store->idle;
    $nginx->ends_well;
}

# a process that holds its lock

{
    my $nginx = nginx('locked');

    answer($nginx);
    $nginx->store->idle;

    my $locked = $nginx->dir . '/locked';
    open my $shell, '|-', 'sqlite3', $nginx->store->file or die $!;
    $shell->autoflush(1);
    print $shell "begin immediate;\n.shell touch $locked\n";
    $nginx->wait_for(sub { -e $locked }) or die 'no lock';

    my $time = time;
    my $answer = answer($nginx);
    my $waited = time - $time;
    ok is_problem($answer), 'a locked store: an event gets 503';
    ok $waited > 4 && $waited < 11, '... after 5 s' or diag $waited;
    ok is_problem(answer($nginx)), '... the next one too';
    is $nginx->get('/other')->{status}, 204, '... the rest of nginx answers';
    ok $nginx->wait_for(sub { $nginx->logged($CRIT) == 1 }),
       '... one line tells';
    like +(grep { $_ =~ $CRIT } $nginx->log)[0],
         qr/locked.*look for a "sqlite3" shell/, '... what to do';

    print $shell "rollback;\n.quit\n";
    close $shell;
    ok $nginx->wait_for(sub { answer($nginx)->{status} == 200 },
                        $soon),
       '... within 2 s after its end events are taken again';
    ok $nginx->wait_for(sub { $nginx->logged($WELL) == 1 }),
       '... and one line says so';
    ok $nginx->store->idle, '... and they are delivered';
    $nginx->ends_well(expected => [$CRIT]);
}

# moved away, or deleted, while it is in use

for my $how (qw(moved deleted)) {
    my $nginx = nginx($how);

    answer($nginx) for 1 .. 3;
    $nginx->store->idle;

    away($nginx) if $how eq 'moved';
    unlink glob $nginx->store->file . '*' if $how eq 'deleted';

    my $answer;
    ok $nginx->wait_for(sub { ($answer = answer($nginx))->{status} == 200 },
                        $soon + 1),
       "a store that is $how while it is in use is made anew";
    is $nginx->store->value("select count(*) from events where id = '$id'"), 1,
       '... and has what was answered 200';
    is $nginx->logged($CRIT), 1, '... one line tells';
    ok $nginx->wait_for(sub { $nginx->logged($WELL) == 1 }), '... and one more';
    $nginx->wait_for(sub { $nginx->logged(qr/newly made/) >= 2 });
    is $nginx->logged(qr/newly made/), 2, '... and that it was newly made';
    ok $nginx->store->idle, '... and it works';
    $nginx->ends_well(expected => [$CRIT]);
}

# attempts under way when it began: what came of them is written afterwards

{
    my $nginx = nginx('outcomes', faults => 1);

    $target->set('hold');
    my $before = $target->requests;
    is join(' ', map { answer($nginx)->{status} } 1 .. 4), '200 200 200 200',
       'attempts are under way';
    $target->wait($before + 4);
    $nginx->faults->set(write => 'ENOSPC');

    ok is_problem(answer($nginx)), '... when the disk is full';
    $target->set('503 | 200');
    $nginx->wait_for(sub { 3 == $nginx->logged(qr/target answered 200/) });
    is $nginx->store->counts->{sending}, 4,
       '... what came of them is not written';

    $nginx->faults->clear;
    ok $nginx->store->wait_until(succeeded => 4, pending => 0, sending => 0,
                                 seconds => $soon + 2),
       '... but is when there is room again';
    is $target->requests - $before, 5,
       '... and only the failed one is sent again';
    is $nginx->store->value('select count(*) from attempts where result = 2'),
       0, '... none was interrupted';
    $nginx->ends_well(expected => [$CRIT]);
}

# A directory that the workers may not write to. The master makes it theirs when
# it starts; so that is taken away from a new worker alone.

SKIP: {
    skip 'root needs a user nobody', 6
        if $> == 0 && !defined getpwnam 'nobody';

    my $nginx = nginx('permission', stopped => 1);
    my @up = split m{/}, $nginx->store->dir;

    skip 'nobody cannot reach the directory', 6
        if grep { !((stat join '/', @up[0 .. $_])[2] & 1) } 1 .. $#up - 1;

    if ($> == 0) {
        my $conf = $nginx->dir . '/nginx.conf';
        my $user = 'nobody ' . getgrgid +(getpwnam 'nobody')[3];

        Jamhook::Env::write_file($conf, Jamhook::Env::slurp($conf)
            =~ s/user root;/user $user;/r . "\n");
    }

    $nginx->start;
    is answer($nginx)->{status}, 200, 'a directory is writable';
    $nginx->store->idle;
    chmod 0555, $nginx->store->dir or die $!;
    $nginx->kill_worker;

    ok $nginx->wait_for(sub { is_problem(answer($nginx)) }),
       '... when it is not any more: 503';
    ok $nginx->wait_log($CRIT), '... the log tells';
    like +(grep { $_ =~ $CRIT } $nginx->log)[0],
         qr/ermission.*let nginx's worker user write/, '... what to do';
    chmod 0755, $nginx->store->dir;
    ok $nginx->wait_for(sub { answer($nginx)->{status} == 200 },
                        $soon),
       '... within 2 s after it is again events are taken';
    $nginx->ends_well(expected => [$CRIT, qr/exited on signal 9/]);
}

done_testing;
