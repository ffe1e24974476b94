# A beam on supports at 0 m and 501 m; the i-th number that is read is a load of so many kN at i metres.
# Reads lines "name = number"; prints the forces on the supports (kN), and the largest bending moment (kN m).
{
    load[NR] = $3
    total += $3
    right += $3 * NR / 501
}
END {
    force = total - right
    for (place = 1; place <= NR; place++) {
        moment += force
        if (moment > largest) { largest = moment; where = place }
        force -= load[place]
    }
    printf "left_support = %.9g\nright_support = %.9g\nmoment = %.9g\nplace = %d\n", total - right, right, largest, where
}
